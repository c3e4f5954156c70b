# SPDX-License-Identifier: GPL-2.0
#
# Reports functions that are too long to be read at once. A function, of C or of a shell
# script, begins with { and ends with }, both at the beginning of a line. The lines of a
# here document count as lines of the function, but are not read as code. A file may be as
# long as its subject.

BEGIN {
	function_max = 60
}

function file_done()
{
	if (here != "")
		printf "%s: where is the end of the here document, %s?\n", file, here
	here = ""
	begin = 0
}

FNR == 1 {
	file_done()
	file = FILENAME
	shell = file !~ /\.[ch]$/
}

here != "" {
	line = $0
	sub(/^\t+/, "", line)
	if (line == here)
		here = ""
	next
}

shell && match($0, /<<-?["']?[A-Z][A-Z_]*/) {
	here = substr($0, RSTART, RLENGTH)
	gsub(/[^A-Z_]/, "", here)
}

$0 == "{" {
	begin = FNR
	name = last
	sub(/\(.*/, "", name)
	sub(/^.*[ *]/, "", name)
}

/^}/ && begin {
	if (FNR - begin + 1 >= function_max)
		printf "%s:%d: %s: a function of %d lines: not under %d\n", file, begin, name,
			FNR - begin + 1, function_max
	begin = 0
}

$0 != "" { last = $0 }

END { file_done() }
