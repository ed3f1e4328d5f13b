"""Two graphs or two runs side by side: pictures, differences, numbers."""
