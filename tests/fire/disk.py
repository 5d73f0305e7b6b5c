"""A small file system in a file, and how it is filled.

    can_mount  whether there can be one here; root is needed
    Mounted    the file system (ext4)
    Filled     it while no more than a certain amount is left on it
    KINDS      of what: blocks or inodes
"""

import os
import shutil
import subprocess
import tempfile

from fire import scratch, wait_until

BLOCK = 1024
BLOCKS = 2048
INODES = 128


def can_mount():
    try:
        with Mounted():
            return True
    except (subprocess.CalledProcessError, FileNotFoundError):
        return False


class Mounted:
    """A small file system in a file."""

    def __enter__(self):
        self.scratch = scratch()
        folder = self.scratch.name
        self.place = f"{folder}/mounted"
        os.mkdir(self.place)
        image = f"{folder}/image"
        with open(image, "wb") as file:
            file.truncate(BLOCKS * BLOCK)
        # Without a journal a block that is free can be used at once.
        make = ["mkfs.ext4", "-q", "-O", "^has_journal", "-m", "0"]
        try:
            run([*make, "-b", str(BLOCK), "-N", str(INODES), image])
            run(["mount", "-o", "loop", image, self.place])
        except BaseException:
            self.scratch.cleanup()
            raise
        return self

    def __exit__(self, *_):
        run(["umount", self.place])
        self.scratch.cleanup()

    def put_below(self, folder):
        """Mail and queue of a server are here, and empty."""
        for name in ["mail", "queue"]:
            path = f"{self.place}/{name}"
            shutil.rmtree(path, ignore_errors=True)
            os.mkdir(path, 0o700)
            os.symlink(path, f"{folder}/{name}")

    def left(self):
        found = os.statvfs(self.place)
        return {"blocks": found.f_bavail, "inodes": found.f_ffree}


def run(command):
    subprocess.run(command, check=True, capture_output=True)


class Filled:
    """A file system on which no more than this is left. Afterwards there is
    room again."""

    def __init__(self, disk, kind, left):
        self.disk, self.kind, self.wanted = disk, kind, left
        self.folder = f"{disk.place}/filler"

    def __enter__(self):
        os.mkdir(self.folder)
        try:
            # A server that tries to send takes a bit, and gives it back.
            wait_until(f"{self.wanted} {self.kind} are left", self.fill)
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        shutil.rmtree(self.folder)

    def fill(self):
        """Whether that is so. If not, it is nearer to it."""
        more = self.disk.left()[self.kind] - self.wanted
        try:
            if more > 0:
                KINDS[self.kind](self, more)
            elif more < 0:
                os.remove(f"{self.folder}/{os.listdir(self.folder)[-1]}")
        except OSError:
            pass
        return more == 0

    def take_blocks(self, more):
        """A file in which all blocks are in a row needs no block to say where
        these are. Half of what is there can be taken like that."""
        with self.new_file() as file:
            os.posix_fallocate(file.fileno(), 0, (more + 1) // 2 * BLOCK)

    def take_inodes(self, more):
        for _ in range(more):
            self.new_file().close()

    def new_file(self):
        return tempfile.NamedTemporaryFile(dir=self.folder, delete=False)


KINDS = {"blocks": Filled.take_blocks, "inodes": Filled.take_inodes}
