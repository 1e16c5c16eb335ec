"""The steps of TV-L1 optical flow as Numba kernels, by the papers' names.

`warp`, `threshold` (TH), `primal_update` (with the divergence) and `dual_update` make one iteration; `smooth` and
`resample` the image pyramid; `flow_of_pair` puts them in order. What is minimised is told in `facespot.features.tvl1`.

Every field has a margin of one pixel on all sides: the flow repeats its border there (forward differences vanish), the
dual variables are zero (so that the divergence is the negative adjoint of the gradient). Each step runs over the flat
array, margins included, so that its inner loop is one long one which the compiler turns into SIMD code.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

from facespot.features.flow import SMALLEST_SIDE
from facespot.values import FloatArray

_Function = TypeVar("_Function", bound=Callable[..., Any])


def _kernel(function: _Function) -> _Function:
    # The images are finite, so nothing here is ever NaN; "numpy" lets a division stay a division instead of a check.
    compile_as: Any = partial(njit, nogil=True, fastmath=True, error_model="numpy")
    try:
        compiled = compile_as(cache=True)(function)
    except RuntimeError:
        # No folder can be written to that would keep the machine code: every process compiles anew, in some seconds.
        compiled = compile_as()(function)
    return cast(_Function, compiled)


@_kernel
def repeat_border(field: FloatArray) -> None:
    """Copy the border of a field into its margin."""
    field[1:-1, 0] = field[1:-1, 1]
    field[1:-1, -1] = field[1:-1, -2]
    field[0] = field[1]
    field[-1] = field[-2]


@_kernel
def with_margin(image: FloatArray) -> FloatArray:
    """Copy of an image with a margin that repeats its border."""
    result = np.empty((image.shape[0] + 2, image.shape[1] + 2), np.float32)
    result[1:-1, 1:-1] = image
    repeat_border(result)
    return result


@_kernel
def add_scaled(total: FloatArray, weight: np.float32, values: FloatArray) -> None:
    """``total += weight * values``."""
    for i in range(total.size):
        total[i] += weight * values[i]


@_kernel
def smooth(image: FloatArray, sigma: float) -> FloatArray:
    """Gaussian filter; `sigma` is the standard deviation in pixels."""
    height, width = image.shape[0] - 2, image.shape[1] - 2
    radius = math.ceil(3.0 * sigma)
    weights = np.empty(2 * radius + 1, np.float32)
    for tap in range(weights.size):
        weights[tap] = math.exp(-0.5 * ((tap - radius) / sigma) ** 2)
    weights /= weights.sum()
    result = np.zeros_like(image)
    columns = np.empty(width + 2 * radius, np.float32)
    for y in range(height):
        columns[:] = np.float32(0.0)
        inside = columns[radius : radius + width]
        for tap in range(weights.size):
            source = min(max(y + tap - radius, 0), height - 1)
            add_scaled(inside, weights[tap], image[source + 1, 1:-1])
        columns[:radius] = inside[0]
        columns[radius + width :] = inside[width - 1]
        for tap in range(weights.size):
            add_scaled(result[y + 1, 1:-1], weights[tap], columns[tap : tap + width])
    repeat_border(result)
    return result


@_kernel
def resample(field: FloatArray, height: int, width: int, factor: float) -> FloatArray:
    """Field of `height` x `width` pixels by bilinear interpolation, its values multiplied by `factor`."""
    source_height, source_width = field.shape[0] - 2, field.shape[1] - 2
    result = np.empty((height + 2, width + 2), np.float32)
    left = np.empty(width, np.int64)
    right_weight = np.empty(width, np.float32)
    for x in range(width):
        position = (x + 0.5) * source_width / width + 0.5
        left[x] = int(position)
        right_weight[x] = position - left[x]
    for y in range(height):
        position = (y + 0.5) * source_height / height + 0.5
        top = int(position)
        lower_weight = np.float32(position - top)
        for x in range(width):
            x0, weight = left[x], right_weight[x]
            upper = field[top, x0] + weight * (field[top, x0 + 1] - field[top, x0])
            lower = field[top + 1, x0] + weight * (field[top + 1, x0 + 1] - field[top + 1, x0])
            result[y + 1, x + 1] = np.float32(factor) * (upper + lower_weight * (lower - upper))
    repeat_border(result)
    return result


@_kernel
def cubic_weights(t: np.float32, weights: FloatArray, slopes: FloatArray) -> None:
    """Catmull-Rom weights of the pixels at -1, 0, 1, 2 for a position `t` in [0, 1], and their derivatives by t."""
    half, one, two = np.float32(0.5), np.float32(1.0), np.float32(2.0)
    three_halves, nine_halves = np.float32(1.5), np.float32(4.5)
    weights[0] = t * (t * (one - half * t) - half)
    weights[1] = one + t * t * (three_halves * t - np.float32(2.5))
    weights[2] = t * (half + t * (two - three_halves * t))
    weights[3] = t * t * (half * t - half)
    slopes[0] = t * (two - three_halves * t) - half
    slopes[1] = t * (nine_halves * t - np.float32(5.0))
    slopes[2] = half + t * (np.float32(4.0) - nine_halves * t)
    slopes[3] = t * (three_halves * t - one)


@_kernel
def warp(
    first: FloatArray,
    second: FloatArray,
    flow: FloatArray,
    gradient: FloatArray,
    constant: FloatArray,
    inverse: FloatArray,
) -> None:
    """Second image where the flow leads, by bicubic interpolation, and the gradient with which rho is linearised.

    The gradient is the mean of that of the interpolated second image and that of the first (central differences), which
    is right to second order in the motion. Fills ``gradient``, the part of rho that does not depend on the new flow
    (``constant``, grey levels) and ``inverse = 1 / |gradient|^2``; all are zero where the flow leaves the image.
    """
    height, width = first.shape[0] - 2, first.shape[1] - 2
    zero, half, one = np.float32(0.0), np.float32(0.5), np.float32(1.0)
    wx, wy, dx, dy = np.empty(4, np.float32), np.empty(4, np.float32), np.empty(4, np.float32), np.empty(4, np.float32)
    for y in range(1, height + 1):
        for x in range(1, width + 1):
            u, v = flow[0, y, x], flow[1, y, x]
            target_x, target_y = np.float32(x) + u, np.float32(y) + v
            if target_x < 1 or target_y < 1 or target_x > width or target_y > height:
                gradient[0, y, x] = gradient[1, y, x] = constant[y, x] = inverse[y, x] = zero
                continue
            x0, y0 = min(int(target_x), width - 1), min(int(target_y), height - 1)
            cubic_weights(target_x - np.float32(x0), wx, dx)
            cubic_weights(target_y - np.float32(y0), wy, dy)
            value, slope_x, slope_y = zero, zero, zero
            for k in range(4):
                a, b = second[y0 + k - 1, x0 - 1], second[y0 + k - 1, x0]
                c, d = second[y0 + k - 1, x0 + 1], second[y0 + k - 1, x0 + 2]
                row = wx[0] * a + wx[1] * b + wx[2] * c + wx[3] * d
                value += wy[k] * row
                slope_y += dy[k] * row
                slope_x += wy[k] * (dx[0] * a + dx[1] * b + dx[2] * c + dx[3] * d)
            slope_x = half * (slope_x + half * (first[y, x + 1] - first[y, x - 1]))
            slope_y = half * (slope_y + half * (first[y + 1, x] - first[y - 1, x]))
            gradient[0, y, x], gradient[1, y, x] = slope_x, slope_y
            constant[y, x] = value - slope_x * u - slope_y * v - first[y, x]
            inverse[y, x] = one / max(slope_x * slope_x + slope_y * slope_y, np.float32(1e-6))


@_kernel
def threshold(
    step: FloatArray, u: FloatArray, v: FloatArray, gradient_x: FloatArray, gradient_y: FloatArray,
    constant: FloatArray, inverse: FloatArray, limit: np.float32,
) -> None:  # fmt: skip
    """TH: the auxiliary flow is the flow plus ``step * gradient``.

    ``step`` is lambda theta where ``rho < -lambda theta |gradient|^2``, its negative where ``rho`` is above the
    opposite, and ``-rho / |gradient|^2`` between: in one, the latter limited to lambda theta.
    """
    for i in range(step.size):
        rho = constant[i] + gradient_x[i] * u[i] + gradient_y[i] * v[i]
        step[i] = min(max(-rho * inverse[i], -limit), limit)


@_kernel
def primal_update(
    u: FloatArray, step: FloatArray, gradient: FloatArray, p_x: FloatArray, p_x_left: FloatArray, p_y: FloatArray,
    p_y_above: FloatArray, theta: np.float32,
) -> None:  # fmt: skip
    """``u <- (u + step * gradient) + theta div p``, the divergence by backward differences."""
    for i in range(u.size):
        divergence = p_x[i] - p_x_left[i] + p_y[i] - p_y_above[i]
        u[i] += step[i] * gradient[i] + theta * divergence


@_kernel
def dual_update(
    p_x: FloatArray, p_y: FloatArray, u: FloatArray, u_right: FloatArray, u_below: FloatArray, rate: np.float32
) -> None:
    """``p <- (p + rate grad u) / (1 + rate |grad u|)``, forward differences, ``rate = tau / theta``."""
    one = np.float32(1.0)
    for i in range(u.size):
        u_x = u_right[i] - u[i]
        u_y = u_below[i] - u[i]
        shrink = one / (one + rate * math.sqrt(u_x * u_x + u_y * u_y))
        p_x[i] = (p_x[i] + rate * u_x) * shrink
        p_y[i] = (p_y[i] + rate * u_y) * shrink


@_kernel
def iterate(
    flow: FloatArray, p_x: FloatArray, p_y: FloatArray, gradient: FloatArray, constant: FloatArray, inverse: FloatArray,
    step: FloatArray, limit: np.float32, theta: np.float32, rate: np.float32,
) -> None:  # fmt: skip
    """Threshold, then primal and dual update of u and of v, once over the whole field."""
    stride = flow.shape[2]
    start, stop = stride, constant.size - stride
    here, left, right = slice(start, stop), slice(start - 1, stop - 1), slice(start + 1, stop + 1)
    above, below = slice(start - stride, stop - stride), slice(start + stride, stop + stride)
    flat_flow, flat_gradient = flow.reshape(2, -1), gradient.reshape(2, -1)
    flat_p_x, flat_p_y = p_x.reshape(2, -1), p_y.reshape(2, -1)
    threshold(
        step, flat_flow[0, here], flat_flow[1, here], flat_gradient[0, here], flat_gradient[1, here],
        constant.reshape(-1)[here], inverse.reshape(-1)[here], limit,
    )  # fmt: skip
    for axis in range(2):
        u, px, py = flat_flow[axis], flat_p_x[axis], flat_p_y[axis]
        primal_update(u[here], step, flat_gradient[axis, here], px[here], px[left], py[here], py[above], theta)
        flow[axis, :, -1] = flow[axis, :, -2]
        flow[axis, -1] = flow[axis, -2]
        dual_update(px[here], py[here], u[here], u[right], u[below], rate)
        p_x[axis, :, 0] = np.float32(0.0)


@_kernel
def lowest(result: FloatArray, a: FloatArray, b: FloatArray, c: FloatArray) -> None:
    """Smallest of three, element by element."""
    for i in range(result.size):
        result[i] = min(min(a[i], b[i]), c[i])


@_kernel
def middle(result: FloatArray, a: FloatArray, b: FloatArray, c: FloatArray) -> None:
    """Median of three, element by element."""
    for i in range(result.size):
        result[i] = max(min(a[i], b[i]), min(max(a[i], b[i]), c[i]))


@_kernel
def highest(result: FloatArray, a: FloatArray, b: FloatArray, c: FloatArray) -> None:
    """Largest of three, element by element."""
    for i in range(result.size):
        result[i] = max(max(a[i], b[i]), c[i])


@_kernel
def median_filter(field: FloatArray) -> None:
    """Replace each value by the median of its 3 x 3 neighbourhood, the border repeated.

    With each column of three sorted, the median of the nine is the median of the highest low, the middle mid and the
    lowest high.
    """
    repeat_border(field)
    stride = field.shape[1]
    flat, size = field.reshape(-1), field.size - 2 * stride
    above, here, below = flat[:size], flat[stride : stride + size], flat[2 * stride :]
    low, mid, high = np.empty(size, np.float32), np.empty(size, np.float32), np.empty(size, np.float32)
    lowest(low, above, here, below)
    middle(mid, above, here, below)
    highest(high, above, here, below)
    across = np.empty((3, size - 2), np.float32)
    highest(across[0], low[:-2], low[1:-1], low[2:])
    middle(across[1], mid[:-2], mid[1:-1], mid[2:])
    lowest(across[2], high[:-2], high[1:-1], high[2:])
    middle(here[1:-1], across[0], across[1], across[2])
    repeat_border(field)


@_kernel
def flow_of_pair(
    first: FloatArray, second: FloatArray, scales: int, warps: int, iterations: int, numbers: NDArray[np.float64],
    filtered: bool, result: FloatArray,
) -> None:  # fmt: skip
    """Fill `result` (h, w, 2) with the motion from one (h, w) float32 image to the other."""
    tau, lambda_, theta, smoothing, scale_step = numbers
    limit, rate, theta32 = np.float32(lambda_ * theta), np.float32(tau / theta), np.float32(theta)
    firsts, seconds = [with_margin(first)], [with_margin(second)]
    if smoothing > 0:
        firsts[0], seconds[0] = smooth(firsts[0], smoothing), smooth(seconds[0], smoothing)
    # What a coarser grid cannot hold is filtered away first; 0.6 as in IPOL 2013.
    blur = 0.6 * math.sqrt(1.0 / (scale_step * scale_step) - 1.0)
    for _ in range(scales - 1):
        height, width = firsts[-1].shape[0] - 2, firsts[-1].shape[1] - 2
        height, width = int(height * scale_step + 0.5), int(width * scale_step + 0.5)
        if min(height, width) < SMALLEST_SIDE:
            break
        firsts.append(resample(smooth(firsts[-1], blur), height, width, 1.0))
        seconds.append(resample(smooth(seconds[-1], blur), height, width, 1.0))

    flow = np.zeros((2, *firsts[-1].shape), np.float32)
    for level in range(len(firsts) - 1, -1, -1):
        rows, columns = firsts[level].shape
        if level < len(firsts) - 1:
            coarse = flow
            flow = np.empty((2, rows, columns), np.float32)
            flow[0] = resample(coarse[0], rows - 2, columns - 2, (columns - 2) / (coarse.shape[2] - 2))
            flow[1] = resample(coarse[1], rows - 2, columns - 2, (rows - 2) / (coarse.shape[1] - 2))
        gradient = np.zeros((2, rows, columns), np.float32)
        constant, inverse = np.zeros((rows, columns), np.float32), np.zeros((rows, columns), np.float32)
        p_x, p_y = np.zeros((2, rows, columns), np.float32), np.zeros((2, rows, columns), np.float32)
        step = np.empty((rows - 2) * columns, np.float32)
        for _ in range(warps):
            warp(firsts[level], seconds[level], flow, gradient, constant, inverse)
            for _ in range(iterations):
                iterate(flow, p_x, p_y, gradient, constant, inverse, step, limit, theta32, rate)
            if filtered:
                median_filter(flow[0])
                median_filter(flow[1])
    result[..., 0] = flow[0, 1:-1, 1:-1]
    result[..., 1] = flow[1, 1:-1, 1:-1]
