"""What the stack is made of: packages, binaries, jars, images."""
