"""Block formats of ggml, decoded in torch: for GPUs, and for CPUs that libgguf has no wheel for."""
