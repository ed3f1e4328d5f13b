"""A Prompt becomes a networkx DAG: built, checked, pruned, changed from the command line, its values bound."""
