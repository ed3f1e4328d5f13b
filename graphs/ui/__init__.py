"""The bundled workflows as the editor saves them, with positions: to be opened in ComfyUI."""
