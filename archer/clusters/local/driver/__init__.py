"""One driver as a process: the call that starts it, who stays with it, and what proves where it stands."""
