// The system's C library under one name: a file that calls it imports MIOSystem.
#if canImport(Glibc)
    @_exported import Glibc
#else
    @_exported import Darwin
#endif
