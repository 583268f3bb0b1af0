"""Processes that a test has started, by the words they are called with."""

import psutil


def started_here(word: str) -> list[psutil.Process]:
    """Children of this process, however deep, whose name or command line has `word` in it; the newest first."""
    found = [process for process in psutil.Process().children(recursive=True) if word in words_of(process)]
    return sorted(found, key=psutil.Process.create_time, reverse=True)


def words_of(process: psutil.Process) -> str:
    try:
        return " ".join([process.name(), *process.cmdline()])
    except psutil.Error:  # it ended between the list and the question: a zombie, or gone
        return ""
