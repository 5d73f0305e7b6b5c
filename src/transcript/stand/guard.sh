# Ends a server and all that it has started, at the latest when the program
# that wanted it has ended itself, in whatever way:
#
#     sh -c "$(cat guard.sh)" sh FOLDER LEADER
#
# FOLDER is the server's, and its mark: the environment of each process that it
# starts has PILLARBOX_RUN=FOLDER. LEADER is the number of its process group.
#
# The standard input is a pipe. A line in it means: end the server now. The end
# of the pipe without a line means that the program is gone. Then nobody keeps
# the leader's number from being given to a stranger, so it must have the mark.

folder=$1
leader=$2
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

if read -r line || has_mark "$leader"; then
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
