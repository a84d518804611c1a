import MIOJob
