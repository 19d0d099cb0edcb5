"""Vector type of the projector kernels: one voxel of many slices as one wide number.

The planes of a tilt series are independent and share their geometry. Kept side by side in memory,
the same voxel of 64 planes is one vector: its address and interpolation weight are worked out once,
and the arithmetic is 64 fused multiply-adds that stay in registers. numba offers no vector type, so
this module adds one (LLVM's, which the compiler maps to whatever the processor has) and the five
operations that the kernels need. Nothing here knows about tomography.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.imputils import lower_constant
from numba.extending import NativeValue, intrinsic, models, register_model, typeof_impl, unbox


class LaneCount:
    """How many slices are carried side by side, known when a kernel is compiled: an argument or a
    constant of a module.

    Parameters
    ----------
    lanes : int
        Slices in one vector, a power of two.
    """

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes


class LaneCountType(types.Type):
    """numba's type of a :class:`LaneCount`: the count is part of the type, so it is a constant in
    the kernel.
    """

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        super().__init__(name=f"LaneCount{lanes}")


class LanesType(types.Type):
    """numba's type of one float32 value per slice."""

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        super().__init__(name=f"Float32Lanes{lanes}")


register_model(LaneCountType)(models.OpaqueModel)


@register_model(LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: LanesType) -> None:
        super().__init__(dmm, fe_type, _vector(fe_type.lanes))  # type: ignore[no-untyped-call]


@typeof_impl.register(LaneCount)
def _typeof(value: LaneCount, context: Any) -> LaneCountType:
    return LaneCountType(value.lanes)


@unbox(LaneCountType)  # type: ignore[untyped-decorator, no-untyped-call]
def _unbox(kind: LaneCountType, value: Any, unboxing: Any) -> NativeValue:
    return NativeValue(unboxing.context.get_dummy_value())  # type: ignore[no-untyped-call]


@lower_constant(LaneCountType)  # type: ignore[untyped-decorator, no-untyped-call]
def _constant(context: Any, builder: Any, kind: LaneCountType, value: LaneCount) -> Any:
    return context.get_dummy_value()


def _operation(code: Callable[..., Any]) -> Any:
    """Make an operation for kernels out of a function that writes LLVM code; :func:`zero` and the
    others below.
    """
    return intrinsic(code)


def _vector(lanes: int) -> ir.VectorType:
    return ir.VectorType(ir.FloatType(), lanes)


def _address(context: Any, builder: Any, kind: Any, array: Any, index: Any, lanes: int) -> Any:
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), _vector(lanes).as_pointer())


def _repeat(builder: Any, value: Any, lanes: int) -> Any:
    undefined = ir.Constant(_vector(lanes), ir.Undefined)
    first = builder.insert_element(undefined, value, ir.Constant(ir.IntType(32), 0))
    mask = ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)
    return builder.shuffle_vector(first, undefined, mask)


@_operation
def zero(typing: Any, count: Any) -> Any:
    """Return a vector of zeros: ``zero(count)``."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return ir.Constant(_vector(count.lanes), [0.0] * count.lanes)

    return LanesType(count.lanes)(count), code


@_operation
def load(typing: Any, count: Any, array: Any, index: Any) -> Any:
    """Read a vector from a flat float32 array: ``load(count, array, index)``."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load(
            _address(context, builder, array, arguments[1], arguments[2], count.lanes), align=4
        )

    return LanesType(count.lanes)(count, array, types.intp), code


@_operation
def store(typing: Any, lanes: Any, array: Any, index: Any) -> Any:
    """Write a vector into a flat float32 array: ``store(lanes, array, index)``."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = _address(context, builder, array, arguments[1], arguments[2], lanes.lanes)
        builder.store(arguments[0], address, align=4)
        return context.get_dummy_value()

    return types.void(lanes, array, types.intp), code


@_operation
def add_scaled(typing: Any, lanes: Any, weight: Any, array: Any, index: Any) -> Any:
    """Return ``lanes + weight * array[index : index + count]``, fused where the processor can."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        total, scale, flat, start = arguments
        values = builder.load(_address(context, builder, array, flat, start, lanes.lanes), align=4)
        product = builder.fmul(values, _repeat(builder, scale, lanes.lanes), flags=("contract",))
        return builder.fadd(total, product, flags=("contract",))

    return lanes(lanes, types.float32, array, types.intp), code


@_operation
def add_product(typing: Any, lanes: Any, weight: Any, factors: Any, array: Any, index: Any) -> Any:
    """Return ``lanes + weight * factors * array[index : index + count]``; ``factors`` is a
    vector.
    """

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        total, scale, others, flat, start = arguments
        values = builder.load(_address(context, builder, array, flat, start, lanes.lanes), align=4)
        scaled = builder.fmul(others, _repeat(builder, scale, lanes.lanes))
        product = builder.fmul(values, scaled, flags=("contract",))
        return builder.fadd(total, product, flags=("contract",))

    return lanes(lanes, types.float32, lanes, array, types.intp), code
