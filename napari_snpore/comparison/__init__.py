"""States side by side, and how far each number can be trusted."""
