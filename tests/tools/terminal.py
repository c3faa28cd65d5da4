"""A terminal in which the command runs, and what stands on its screen."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time

import tool

sys.path.append("/usr/lib/python3/dist-packages")  # where Debian has pyte, whoever's python3 this is
import pyte  # noqa: E402

# As terminals of the kind `linux` send them, which is the one that pyte is.
KEYS = {"up": b"\x1b[A", "down": b"\x1b[B", "right": b"\x1b[C", "left": b"\x1b[D", "home": b"\x1b[1~", "end": b"\x1b[4~",
        "escape": b"\x1b", "enter": b"\r", "tab": b"\t", "back_tab": b"\x1b\t", "backspace": b"\x7f"}


class Terminal:
    """Runs the words on a pseudo-terminal of this size; `screen` is what a user sees."""

    def __init__(self, words, environment, columns=100, lines=24):
        self.screen = pyte.Screen(columns, lines)
        self.stream = pyte.ByteStream(self.screen)
        self.written = b""
        self.master, slave = pty.openpty()
        self.set_size(columns, lines)
        self.settings = termios.tcgetattr(slave)
        self.process = subprocess.Popen(words, stdin=slave, stdout=slave, stderr=slave, env=environment,
                                        start_new_session=True, preexec_fn=self.take_terminal)
        self.slave = slave

    @staticmethod
    def take_terminal():
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])

    def set_size(self, columns, lines):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def resize(self, columns, lines):
        self.screen.resize(lines, columns)
        self.set_size(columns, lines)

    def press(self, *keys):
        for key in keys:
            os.write(self.master, KEYS.get(key) or key.encode())

    def read(self, seconds):
        """What comes until then; false at the end."""
        if not select.select([self.master], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        self.written += data
        self.stream.feed(data)
        return bool(data)

    def text(self):
        return "\n".join(line.rstrip() for line in self.screen.display)

    def wait_until(self, is_seen, what, seconds=tool.SECONDS_MAX):
        """Until the screen, as text, is as wanted."""
        end = time.monotonic() + seconds
        while not is_seen(self.text()):
            if time.monotonic() > end or self.process.poll() is not None:
                raise AssertionError(f"waited for {what}; status {self.process.poll()}, screen:\n{self.text()}")
            self.read(0.05)
        return self.text()

    def wait_for(self, *parts):
        return self.wait_until(lambda text: all(part in text for part in parts), parts)

    def end(self):
        """The exit status, once it has ended by itself."""
        end = time.monotonic() + tool.SECONDS_MAX
        while self.process.poll() is None and time.monotonic() < end:
            self.read(0.05)
        while select.select([self.master], [], [], 0)[0] and self.read(0):
            pass
        return self.process.poll()

    def has_settings_of_before(self):
        return termios.tcgetattr(self.slave) == self.settings

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.slave)
        os.close(self.master)
