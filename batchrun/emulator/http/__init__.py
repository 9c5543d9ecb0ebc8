"""The emulated service over HTTP: application, endpoints, access control, OpenAPI document, server."""
