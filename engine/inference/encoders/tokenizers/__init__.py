"""Tokenizers: text becomes token ids, from data that ships with the program."""
