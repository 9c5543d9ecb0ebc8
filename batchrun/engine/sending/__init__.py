"""The parts of a session that send runs, record how each attempt ended, and look for lost runs."""
