import MIOKeras
