"""How requests reach the application: sockets, connections, workers, threads and the log."""
