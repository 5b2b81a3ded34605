"""Long work in child processes: a queue that survives restarts, progress, pause, cancel."""
