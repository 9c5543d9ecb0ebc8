"""Response models that only the emulator needs: clients read only a few of their fields."""
