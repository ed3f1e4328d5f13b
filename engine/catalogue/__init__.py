"""What is known of node classes, ours and others': their inputs, outputs and origin, without any code of theirs."""
