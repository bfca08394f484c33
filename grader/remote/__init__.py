"""The parent's side of an agent: its process, its pipes, and handles on what stays inside."""
