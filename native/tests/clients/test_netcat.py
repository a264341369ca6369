"""DynamiDB's dialect as the README shows it: printf, netcat, nothing else."""

import subprocess

import pytest


def say(port, request):
    """What a client hears that sends `request` and then nothing more."""
    command = ["nc", "-N", "127.0.0.1", str(port)]
    run = subprocess.run(command, input=request, capture_output=True, timeout=60, check=True)
    return run.stdout


def test_the_documented_examples(dynamidb):
    assert say(dynamidb, b"SET key1 30 5\r\nhello\r\n") == b"STORED\r\n"
    assert say(dynamidb, b"GET key1\r\n") == b"VALUE key1 5\r\nhello\r\nEND\r\n"
    assert say(dynamidb, b"DELETE key1\r\n") == b"DELETED\r\n"
    assert say(dynamidb, b"GET key1\r\n") == b"END\r\n"
    assert say(dynamidb, b"DELETE key1\r\n") == b"NOT_FOUND\r\n"
    assert say(dynamidb, b"HELLO\r\n") == b"ERROR\r\n"


def test_quit_is_answered_and_ends_the_conversation(dynamidb):
    assert say(dynamidb, b"QUIT\r\nGET key1\r\n") == b"BYE\r\n"


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_lines_end_in_either_way_and_a_blank_line_is_harmless(dynamidb, end):
    request = end.join([b"SET key2 0 5", b"hello", b"", b"GET key2", b"", b""])
    assert say(dynamidb, request) == b"STORED\r\nVALUE key2 5\r\nhello\r\nEND\r\n"


def test_both_dialects_share_the_cache(dynamidb):
    request = b"set key3 7 0 3\r\nabc\r\nGET key3\r\nSET key3 0 2\r\nxy\r\nget key3\r\n"
    reply = b"STORED\r\nVALUE key3 3\r\nabc\r\nEND\r\nSTORED\r\nVALUE key3 0 2\r\nxy\r\nEND\r\n"
    assert say(dynamidb, request) == reply
