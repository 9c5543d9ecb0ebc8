"""How the commands' results are drawn; nothing here reads a file or decides anything."""
