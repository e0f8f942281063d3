"""A network in the form of YuNet's ONNX file that takes red squares of 64 pixels for faces.

OpenCV reads it and decodes its outputs just as it does for the real one. It finds the squares on a
dark ground, where they are to a pixel, and says that their eyes are tilted.
"""

import math

import numpy as np

SIDE = 64
"""Pixels along a square that is found."""
FLOAT, INT64, INTS = 1, 7, 7  # types of tensors, and of an attribute that is a list of integers
POOL = 4  # pixels along the means that the network looks at
STRIDES = (8, 16, 32)
FINDS = 16  # the stride that finds something


def write_yunet(path, *, tilt=0.0):
    """Write the network; the eyes that it reports are tilted by so much, in radians."""
    window = {"kernel_shape": [POOL] * 2, "strides": [POOL] * 2}
    nodes, tensors, outputs = [node("AveragePool", ["input"], "means", **window)], [], []

    def conv(name, kernels, biases, stride):
        size, names = kernels.shape[-1], [f"{name}_w", f"{name}_b"]
        tensors.extend([tensor(names[0], kernels), tensor(names[1], biases)])
        edge = (size - stride) // 2  # so that a kernel's middle is a cell's middle
        moves = {"strides": [stride] * 2, "pads": [edge] * 4}
        nodes.append(node("Conv", ["means", *names], name, **moves))

    def give(source, name, channels):
        tensors.append(tensor(f"{name}_shape", np.array([1, -1, channels])))
        nodes.append(node("Transpose", [source], f"{name}_last", perm=[0, 2, 3, 1]))
        nodes.append(node("Reshape", [f"{name}_last", f"{name}_shape"], name))
        outputs.append(name)

    for stride in STRIDES:
        finds = float(stride == FINDS)
        conv(f"heat_{stride}", finds * heat_kernel(), np.zeros(1), stride // POOL)
        conv(f"place_{stride}", *place_kernels(stride), stride // POOL)
        conv(f"points_{stride}", *point_kernels(stride, tilt), stride // POOL)
        give(f"heat_{stride}", f"cls_{stride}", 1)
        give(f"heat_{stride}", f"obj_{stride}", 1)
        give(f"place_{stride}", f"bbox_{stride}", 4)
        give(f"points_{stride}", f"kps_{stride}", 10)
    graph = b"".join(part(1, n) for n in nodes) + part(2, "squares")
    graph += b"".join(part(5, t) for t in tensors)
    graph += part(11, value("input", [1, 3, 320, 320]))
    graph += b"".join(part(12, value(name, [])) for name in outputs)
    path.write_bytes(number(1, 8) + part(7, graph) + part(8, part(1, "") + number(2, 13)))
    return path


def heat_kernel():
    """Red inside the square and none around it; blue counts against it: (1, 3, K, K), BGR."""
    side = SIDE // POOL
    reach = side * 3 // 2
    kernel = np.full((reach, reach), -1 / (reach**2 - side**2))
    edge = (reach - side) // 2
    kernel[edge:-edge, edge:-edge] = 1 / side**2
    return 1.6 / 255 * np.stack([-abs(kernel), 0 * kernel, kernel])[None]


def place_kernels(stride):
    """The red's centre of gravity, in strides from the cell's corner, and the logarithmic size."""
    size = 2 * SIDE // POOL
    red = 255 * (SIDE // POOL) ** 2  # of a whole square
    steps = (np.arange(size) - (size - 1) / 2) * POOL / stride / red
    kernels = np.zeros((4, 3, size, size))
    kernels[0, 2], kernels[1, 2] = steps[None, :], steps[:, None]
    return kernels, np.array([0.5, 0.5, math.log(SIDE / stride), math.log(SIDE / stride)])


def point_kernels(stride, tilt):
    """Eyes, nose and mouth around the cell's middle, the same in each picture."""
    points = SIDE / stride * np.array([[-0.2, -0.2], [0.2, -0.2], [0, 0], [-0.2, 0.2], [0.2, 0.2]])
    turn = np.array([[math.cos(tilt), math.sin(tilt)], [-math.sin(tilt), math.cos(tilt)]])
    return np.zeros((10, 3, stride // POOL, stride // POOL)), (points @ turn + 0.5).ravel()


def varint(value):
    coded = bytearray()
    value &= 2**64 - 1
    while value > 127:
        coded.append(value & 127 | 128)
        value >>= 7
    return bytes([*coded, value])


def number(field, value):
    return varint(field << 3) + varint(value)


def part(field, content):
    content = content.encode() if isinstance(content, str) else content
    return varint(field << 3 | 2) + varint(len(content)) + content


def tensor(name, values):
    kind, form = (INT64, "<i8") if values.dtype.kind == "i" else (FLOAT, "<f4")
    dims = b"".join(number(1, size) for size in values.shape)
    return dims + number(2, kind) + part(8, name) + part(9, values.astype(form).tobytes())


def node(kind, inputs, output, **attributes):
    content = b"".join(part(1, name) for name in inputs) + part(2, output)
    content += part(3, output) + part(4, kind)
    for name, integers in attributes.items():
        listed = b"".join(number(8, i) for i in integers)
        content += part(5, part(1, name) + listed + number(20, INTS))
    return content


def value(name, shape):
    dims = b"".join(part(1, number(1, size)) for size in shape)
    return part(1, name) + part(2, part(1, number(1, FLOAT) + part(2, dims)))
