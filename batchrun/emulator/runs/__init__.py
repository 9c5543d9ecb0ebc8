"""The runs of the emulated service: storage, lifecycle, and how the API presents them."""
