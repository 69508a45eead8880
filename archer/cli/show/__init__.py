"""What a person or a script sees: tables, words and documents."""
