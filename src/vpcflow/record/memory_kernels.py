"""Reads and writes of memory at an address, for the kernels of this package.

Arrow hands out buffers of many types; a kernel that takes addresses is compiled once for all of
them, and may read a word at any byte. Whoever calls a kernel keeps the buffers alive and leaves
WORD_BYTES readable after the last byte of text.
"""

# The compiler decides the arguments of what is generated, so many are not used here.
# ruff: noqa: ARG001
# mypy: disable-error-code="untyped-decorator,no-any-return,import-untyped"

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

#: How far beyond the last byte of text a kernel may read.
WORD_BYTES = 16

_I64 = ir.IntType(64)


def _pointer(builder: Any, address: Any, bits: int) -> Any:
    return builder.inttoptr(address, ir.IntType(bits).as_pointer())


def _loader(bits: int, *, signed: bool, result: Any, network: bool = False) -> Callable[..., Any]:
    """An intrinsic that loads ``bits`` bits from any address, widened to 64.

    ``network``: the bytes lie in network order.
    """

    def load(typing_context: Any, address: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            value = builder.load(_pointer(builder, arguments[0], bits), align=1)
            if network:
                value = builder.bswap(value)
            if bits == 64:
                return value
            return builder.sext(value, _I64) if signed else builder.zext(value, _I64)

        return result(types.int64), generate

    return intrinsic(load)


def _storer(bits: int) -> Callable[..., Any]:
    """An intrinsic that stores the low ``bits`` bits of an integer at any address."""

    def store(typing_context: Any, address: Any, value: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            low = arguments[1] if bits == 64 else builder.trunc(arguments[1], ir.IntType(bits))
            builder.store(low, _pointer(builder, arguments[0], bits), align=1)
            return context.get_dummy_value()

        return types.void(types.int64, types.uint64), generate

    return intrinsic(store)


load_u8 = _loader(8, signed=False, result=types.int64)
load_u32 = _loader(32, signed=False, result=types.uint64)
load_i32 = _loader(32, signed=True, result=types.int64)
load_i64 = _loader(64, signed=True, result=types.int64)
load_u64 = _loader(64, signed=False, result=types.uint64)
load_network_u16 = _loader(16, signed=False, result=types.int64, network=True)
load_network_u32 = _loader(32, signed=False, result=types.uint64, network=True)
store_u8 = _storer(8)
store_u16 = _storer(16)
store_u32 = _storer(32)
store_u64 = _storer(64)


@intrinsic
def trailing_zeros(typing_context: Any, word: Any) -> Any:
    """How many of the lowest bits are 0; the word may not be 0."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), generate


@intrinsic
def multiply_fold(typing_context: Any, left: Any, right: Any) -> Any:
    """The halves of the 128-bit product, joined by exclusive or: a step of a hash."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        wide = ir.IntType(128)
        product = builder.mul(*(builder.zext(value, wide) for value in arguments))
        high = builder.lshr(product, ir.Constant(wide, 64))
        return builder.xor(builder.trunc(product, _I64), builder.trunc(high, _I64))

    return types.uint64(types.uint64, types.uint64), generate


def _prefetcher(*, write: bool) -> Callable[..., Any]:
    """An intrinsic that has the line at an address brought near; the address may be any."""

    def prefetch(typing_context: Any, address: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            i32 = ir.IntType(32)
            pointer = _pointer(builder, arguments[0], 8)
            function = builder.module.declare_intrinsic(
                "llvm.prefetch.p0",
                fnty=ir.FunctionType(ir.VoidType(), [pointer.type, i32, i32, i32]),
            )
            # Locality 3: keep it near; cache 1: data.
            options = [ir.Constant(i32, value) for value in (int(write), 3, 1)]
            builder.call(function, [pointer, *options])
            return context.get_dummy_value()

        return types.void(types.int64), generate

    return intrinsic(prefetch)


prefetch_read = _prefetcher(write=False)
prefetch_write = _prefetcher(write=True)
