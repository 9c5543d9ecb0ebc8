"""What results look like: tables, plans, the account of a session."""
