"""What a raw job request breaks, by subject. Pure; every fault at once, so that one answer names them all."""
