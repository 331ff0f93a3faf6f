"""Everything that runs on one machine without anything installed: servers, secrets, child processes."""
