"""Which faults of a GPU can be survived and which cannot, told without importing torch.

Told by class names and texts: what runs out of memory may be torch, and may be another runtime under Ultralytics.
"""

from collections.abc import Iterator

GPU_MISSING = "torch sees no GPU"
"""Once CUDA could not be begun in a process, it never can be there."""
_OUT_OF_MEMORY = ("CUDA out of memory", "CUDA error: out of memory", "CUDA failure 2: out of memory")
_CONTEXT_LOST = ("CUDA error:", "CUDA failure ", GPU_MISSING)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether `error`, or what caused it, says that the GPU has no memory left: fewer pictures at once may fit."""
    return any(_says_out_of_memory(each) for each in _chain(error))


def is_context_lost(error: BaseException) -> bool:
    """Whether `error`, or what caused it, is a fault after which every call to CUDA in this process fails."""
    return not is_out_of_memory(error) and any(_says_context_lost(each) for each in _chain(error))


def _says_out_of_memory(error: BaseException) -> bool:
    named = any(kind.__name__ == "OutOfMemoryError" for kind in type(error).__mro__)
    return named or any(text in str(error) for text in _OUT_OF_MEMORY)


def _says_context_lost(error: BaseException) -> bool:
    named = any(kind.__name__ == "AcceleratorError" for kind in type(error).__mro__)
    return named or any(text in str(error) for text in _CONTEXT_LOST)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """`error` and what caused it, outermost first."""
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        yield each
        each = each.__cause__ or each.__context__
