# Ends a server and all that it has started, at the latest when the program
# that wanted it has ended itself, in whatever way:
#
#     sh -c "$(cat guard.sh)" sh FOLDER
#
# FOLDER is the server's, and its mark: the environment of each process that it
# starts has PILLARBOX_RUN=FOLDER.
#
# The standard input is a pipe. Its first line is the number of the server's
# process group, once there is one. A second line means: end the server now. The
# end of the pipe without it means that the program is gone. Then nobody keeps
# that number from being given to a stranger, so its leader must have the mark.

folder=$1
mark="PILLARBOX_RUN=$folder"

has_mark() {
    grep -qsF -- "$mark" "/proc/$1/environ"
}

# All processes with the mark, also those that have left the group. Only Linux
# shows them.
marked() {
    grep -lsF -- "$mark" /proc/[0-9]*/environ |
        sed 's:^/proc/\([0-9]*\)/environ$:\1:'
}

read -r leader
if read -r line || has_mark "${leader:-none}"; then
    kill -s KILL -- "-$leader" 2> /dev/null
fi

# One that was about to fork is found when we look again.
looks=0
while [ "$looks" -lt 100 ]; do
    pids=$(marked)
    [ -n "$pids" ] || break
    # Each number is a word.
    kill -s KILL $pids 2> /dev/null
    looks=$((looks + 1))
done

rm -rf -- "$folder"
