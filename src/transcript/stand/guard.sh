# Runs a server, and ends it together with the program that wanted it:
#
#     sh -c "$(cat guard.sh)" sh FOLDER COMMAND [ARGUMENT...]
#
# The standard input is a pipe that nobody ever writes to. It ends when the
# program at its other end closes it, or has ended itself, in whatever way.

folder=$1
shift
"$@" < /dev/null &
server=$!

# The server's output must end with the server, so nobody else may hold it.
exec > /dev/null 2>&1

# Waits for the end of the input.
read -r end

kill -s KILL $server
wait $server
rm -rf -- "$folder"

# Group 0 is our own: this ends whatever the server has started, and us.
kill -s KILL 0
