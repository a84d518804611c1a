"""mio's random streams in numpy: Philox4x32-10 of Salmon, Moraes, Dror and Shaw (SC 2011).

The same words as `Sources/MIOBase/Philox.swift`; `verify` holds both to Random123's known answers.
"""

import numpy

MIO = 0x6D69_6F00  # "mio": the upper half of the counter from which a stream's key is drawn


def words(key, low, high=0):
    """The four words at each counter. `low`: an integer or an array; returns uint32, shape `low.shape + (4,)`."""
    low = numpy.asarray(low, numpy.uint64)
    high = numpy.full(low.shape, high, numpy.uint64)
    mask, half = numpy.uint64(0xFFFF_FFFF), numpy.uint64(32)
    counter = [low & mask, low >> half, high & mask, high >> half]
    key = [key & 0xFFFF_FFFF, key >> 32]
    for _ in range(10):
        product0 = numpy.uint64(0xD251_1F53) * counter[0]
        product1 = numpy.uint64(0xCD9E_8D57) * counter[2]
        counter = [
            (product1 >> half) ^ counter[1] ^ numpy.uint64(key[0]),
            product1 & mask,
            (product0 >> half) ^ counter[3] ^ numpy.uint64(key[1]),
            product0 & mask,
        ]
        key = [(key[0] + 0x9E37_79B9) & 0xFFFF_FFFF, (key[1] + 0xBB67_AE85) & 0xFFFF_FFFF]
    return numpy.stack(counter, axis=-1).astype(numpy.uint32)


def stream_words(seed, stream, count):
    """The first `count` words of the stream `stream` of `seed`, as `PhiloxSequence` gives them."""
    derived = words(seed, stream, MIO)
    key = int(derived[0]) | int(derived[1]) << 32
    return words(key, numpy.arange((count + 3) // 4)).reshape(-1)[:count]


def unit(word):
    """Uniform in [0, 1), of the upper 24 bits: exact in float32."""
    return (word >> numpy.uint32(8)).astype(numpy.float32) * numpy.float32(2.0**-24)


def uniform(seed, stream, shape, low, high):
    """float32 `low + (high - low) * unit`, each operation rounded to float32; row-major."""
    low, high = numpy.float32(low), numpy.float32(high)
    count = int(numpy.prod(shape, dtype=numpy.int64))
    return (low + (high - low) * unit(stream_words(seed, stream, count))).reshape(shape)


def classes(seed, stream, shape, count):
    """Whole numbers 0 ..< count, in integers: `(word >> 8) * count >> 24`; row-major, int32."""
    word = stream_words(seed, stream, int(numpy.prod(shape, dtype=numpy.int64))).astype(numpy.uint64)
    drawn = ((word >> numpy.uint64(8)) * numpy.uint64(count)) >> numpy.uint64(24)
    return drawn.astype(numpy.int32).reshape(shape)


def verify():
    """Raises unless the generator gives the known answers of Random123's `kat_vectors`."""
    known = [
        (0, 0, 0, [0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8]),
        (2**64 - 1, 2**64 - 1, 2**64 - 1, [0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD]),
        (
            0x299F_31D0_A409_3822,
            0x85A3_08D3_243F_6A88,
            0x0370_7344_1319_8A2E,
            [0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1],
        ),
    ]
    for key, low, high, expected in known:
        received = words(key, low, high).tolist()
        if received != expected:
            raise AssertionError(f"Philox at key {key:#x}: expected {expected}, received {received}")
