"""The shell: one verb per file, each thin over engine.api. Data goes to standard output, the rest to standard error.

A module of a verb is imported to build the parser, so it imports only argparse's side of things at its top.
"""
