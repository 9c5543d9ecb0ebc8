"""The emulated service on the wire: application, endpoints, access, its own description, the server."""
