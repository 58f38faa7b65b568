# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs of the smoke test: name, Debian package, command.

The command is run by bash in an empty directory, where `in` is what inputs.py makes. $T stands
in front of the program that is traced, and is empty in the untraced run. DIFFERS says why
standard output can't be compared, KILLS that it kills what it starts, so that those traces may
end early, ENDS_BUSY that threads are at work when it exits, NOTE what else there is to know; QUICK
programs are on every machine that tests this project, and run in CI.
"""

from typing import NamedTuple


class Program(NamedTuple):
	name: str
	package: str
	command: str
	differs: str = ""
	note: str = ""
	kills: bool = False
	ends_busy: bool = False
	quick: bool = False


TIMES = "it prints how long it took"
CHILDREN = "the work is done in children of fork"

PROGRAMS = [
	# Files and text
	Program("sort", "coreutils", "$T sort --parallel=4 -S 4M in/words", quick=True),
	Program("ls", "coreutils", "$T ls -laR in/tree no-such-file", quick=True),
	Program("cp", "coreutils", "$T cp -r in/tree copy && find copy | sort"),
	Program("sha256sum", "coreutils", "$T sha256sum in/words in/data in/tree/src/*"),
	Program("du", "coreutils", "$T du -a --apparent-size in/tree/src | sort"),
	Program("find", "findutils", "$T find in/tree -type f -name '*.c' -exec wc -l {} + | sort", quick=True),
	Program("grep", "grep", "$T grep -rnE '(static|struct) [a-z_]+ \\*' in/tree | sort"),
	Program("sed", "sed", "$T sed -E 's/([a-z]+) ([a-z]+)/\\2 \\1/g' in/words"),
	Program("gawk", "gawk", "$T gawk '{ n[$1]++ } END { for (w in n) print n[w], w }' in/words | sort"),
	Program("mawk", "mawk", "$T mawk '{ n[$1]++ } END { for (w in n) print n[w], w }' in/words | sort"),
	Program("diff", "diffutils", "$T diff -u in/words in/sorted"),
	Program("patch", "patch", "cp in/sorted s; diff -u in/sorted in/words >p; $T patch s p && cmp s in/words"),
	Program("ed", "ed", "printf '%s\\n' 'g/a/m0' '1,20p' Q | $T ed -s in/words"),
	Program("file", "file", "$T file -b in/words in/data in/tree/src/* /bin/ls"),
	Program("jq", "jq", "$T jq -S '[.items[] | {id, name: .name, n: (.tags | length)}] | sort_by(.name)' in/items.json"),
	Program("xmllint", "libxml2-utils", "$T xmllint --format --xpath '//item[@id mod 7 = 3]' in/items.xml"),
	Program("xmlstarlet", "xmlstarlet", "$T xmlstarlet sel -t -m '//item' -v @id -n in/items.xml"),
	Program("groff", "groff-base", "$T groff -Tutf8 -man in/page.1"),
	Program("bc", "bc", "echo 'scale=300; 4*a(1)' | $T bc -l", quick=True),
	Program("dc", "dc", "$T dc -e '2 3000 ^ p'"),
	Program("units", "units", "$T units -t '12 miles' 'km'"),
	Program("vim", "vim", "$T vim -u NONE -es -c 'g/a/m0' -c 'sort u' -c 'w! out' -c 'q!' in/words; cat out"),
	# Shells and languages
	Program("bash", "bash", "$T bash in/script.sh", quick=True),
	Program("dash", "dash", "$T dash in/script.sh", quick=True),
	Program("perl", "perl", "$T perl in/program.pl", quick=True),
	Program("perl threads", "perl", "$T perl in/threads.pl"),
	Program("python3", "python3", "$T python3 in/program.py", quick=True),
	Program("python3 threads and subprocesses", "python3", "$T python3 in/threads.py", quick=True),
	Program("ruby", "ruby", "$T ruby in/program.rb"),
	Program("lua", "lua5.4", "$T lua5.4 in/program.lua"),
	Program("php", "php-cli", "$T php in/program.php"),
	Program("tcl", "tcl", "$T tclsh in/program.tcl"),
	Program("guile", "guile-3.0", "$T guile --no-auto-compile in/program.scm"),
	Program("node", "nodejs", "$T node in/program.js"),
	Program("java -version", "default-jre-headless", "$T java -version 2>&1 | head -n 1"),
	Program("java", "default-jre-headless", "$T java -XshowSettings:vm -version 2>&1 | grep -c :"),
	Program("m4", "m4", "$T m4 in/program.m4"),
	Program("gnuplot", "gnuplot-nox", "$T gnuplot -e 'set term dumb; plot [0:6] sin(x)'"),
	# What is mostly there to start others
	Program("bash jobs", "bash", "$T bash in/jobs.bash", quick=True),
	Program("xargs -P", "findutils", "find in/tree -name '*.c' | $T xargs -P 4 -n 3 sha256sum | sort", quick=True),
	Program("timeout and other wrappers", "coreutils", "$T timeout 100 env A=1 nice -n 1 nohup setsid -w stdbuf -oL sh -c 'ls in; echo $A'",
	        quick=True),
	Program("perl forks", "perl", "$T perl in/forks.pl | sort", quick=True),
	Program("python3 multiprocessing", "python3", "$T python3 in/processes.py"),
	Program("ruby fork", "ruby", "$T ruby in/forks.rb"),
	Program("node workers", "nodejs", "$T node in/workers.js"),
	Program("sort --compress-program", "coreutils", "$T sort -S 64K --compress-program=gzip in/words | sha256sum"),
	Program("tar --zstd", "tar", "$T tar --zstd -cf t --sort=name -C in tree && tar -tf t"),
	Program("split --filter", "coreutils", "$T split -l 500 --filter='gzip >$FILE.gz' in/words && zcat x*.gz | cmp - in/words"),
	Program("dpkg-deb", "dpkg", "mkdir -p d/DEBIAN d/f && cp in/words d/f && printf 'Package: a\nVersion: 1\nArchitecture: all\n"
	        "Maintainer: a <a@b>\nDescription: a\n' >d/DEBIAN/control && $T dpkg-deb -b d a.deb >/dev/null && dpkg-deb -c a.deb | wc -l"),
	Program("git gc", "git", "git init -q r && cp -r in/tree/src r && git -C r add . && git -C r -c user.name=n -c user.email=e "
	        "commit -qm m && $T git -C r gc -q && git -C r fsck 2>&1"),
	Program("make of a program", "make", "$T make -j3 -s -f in/program.mk && ./program"),
	# Compilers and what goes with them
	Program("gcc", "gcc", "$T gcc -O2 -c in/tree/src/text.c -iquote in/tree/src -o text.o && nm text.o"),
	Program("cc1", "gcc", "gcc -E in/small.c -o s.i; $T $(gcc -print-prog-name=cc1) -fpreprocessed -quiet -O2 s.i -o -", quick=True),
	Program("cc1plus", "g++", "g++ -E in/small.cc -o s.ii; $T $(g++ -print-prog-name=cc1plus) -fpreprocessed -quiet -O1 s.ii -o - "
	        "| tail -n 50"),
	Program("as", "binutils", "gcc -S -O1 in/small.c -o s.s; $T as s.s -o s.o && objdump -d s.o"),
	Program("ld", "binutils", "gcc -c in/small.c -o s.o; $T gcc -B/usr/bin s.o -o s && ./s"),
	Program("ld.bfd", "binutils", "gcc -c in/small.c -o s.o; $T ld.bfd -r s.o -o r.o && nm r.o"),
	Program("gold", "binutils", "gcc -c in/small.c -o s.o; $T ld.gold --threads -r s.o -o r.o && nm r.o", ends_busy=True),
	Program("lld", "lld", "gcc -c in/small.c -o s.o; $T ld.lld -r s.o -o r.o && nm r.o"),
	Program("objdump", "binutils", "$T objdump -d /bin/true | tail -n +4"),
	Program("readelf", "binutils", "$T readelf -aW /bin/true"),
	Program("clang", "clang", "$T clang -O2 -S in/small.c -o -"),
	Program("clang-format", "clang-format", "$T clang-format in/small.c in/small.cc"),
	Program("bison", "bison", "$T bison -o p.c in/grammar.y && wc -l <p.c"),
	Program("flex", "flex", "$T flex -o l.c in/lexer.l && wc -l <l.c"),
	Program("make", "make", "$T make -j2 -s -f in/rules.mk | sort", quick=True),
	Program("git", "git", "git init -q r && cp in/words r && git -C r add . && git -C r -c user.name=n -c user.email=e "
	        "-c gc.auto=0 commit -qm m && $T git -C r --no-pager show --stat --format=%s", quick=True),
	Program("git pack", "git", "git init -q r && cp -r in/tree/src r && git -C r add . && git -C r -c user.name=n "
	        "-c user.email=e commit -qm m && $T git -C r repack -adq --threads=4 && git -C r fsck 2>&1"),
	Program("gdb", "gdb", "gcc -g in/small.c -o s; $T gdb -q -batch -nx -ex 'break add' -ex run -ex 'info args' ./s 2>&1 "
	        "| grep -v '^\\[\\|^Using'", kills=True, differs="it prints the addresses of the breakpoint and of the library"),
	Program("strace", "strace", "$T strace -f -o log /bin/true; grep -c exit_group log"),
	# Archives and data
	Program("tar", "tar", "$T tar -cf t.tar --sort=name -C in tree && tar -tf t.tar"),
	Program("zip", "zip", "$T zip -q -r a.zip in/tree && unzip -Z1 a.zip | sort"),
	Program("unzip", "unzip", "zip -q -r a.zip in/tree && $T unzip -p a.zip | sha256sum"),
	Program("bzip2", "bzip2", "$T bzip2 -c in/words | bzip2 -dc | sha256sum"),
	Program("xz -T2", "xz-utils", "$T xz -T2 --block-size=200KiB -c in/data | xz -dc | sha256sum"),
	Program("zstd -T2", "zstd", "$T zstd -q -T2 -c in/data | zstd -dc | sha256sum"),
	Program("lz4", "lz4", "$T lz4 -q -c in/data | lz4 -dc | sha256sum"),
	Program("brotli", "brotli", "$T brotli -c in/words | brotli -dc | sha256sum"),
	Program("pigz", "pigz", "$T pigz -p 4 -c in/data | gzip -dc | sha256sum"),
	Program("pbzip2", "pbzip2", "$T pbzip2 -p4 -c in/data | bzip2 -dc | sha256sum"),
	Program("7z", "p7zip-full", "cp -r in/tree/src s; $T 7z a -bso0 -bsp0 -mmt=4 a.7z s && 7z t a.7z | grep Ok"),
	Program("rsync", "rsync", "$T rsync -a in/tree/ copy && find copy | sort"),
	Program("sqlite3", "sqlite3", "$T sqlite3 -batch db <in/script.sql", quick=True),
	Program("openssl", "openssl", "$T openssl enc -aes-256-cbc -pbkdf2 -nosalt -k x -in in/data | sha256sum"),
	Program("openssl speed", "openssl", "$T openssl speed -seconds 1 -multi 2 sha256 2>/dev/null | wc -l", differs=TIMES),
	Program("gpg", "gpg", "$T gpg --homedir . --batch --no-tty --print-md SHA256 in/words"),
	Program("dpkg-query", "dpkg", "$T dpkg-query -W -f '${Package} ${Version}\\n'"),
	# Pictures, sound, paper
	Program("ffmpeg", "ffmpeg", "$T ffmpeg -v error -f lavfi -i testsrc=d=1:s=160x120 -threads 2 -f framemd5 -c:v mpeg4 -"),
	Program("convert", "imagemagick", "$T convert -size 200x200 plasma:fractal -seed 7 -blur 0x3 -resize 50% ppm:- | wc -c"),
	Program("gs", "ghostscript", "$T gs -q -dBATCH -dNOPAUSE -sDEVICE=pbmraw -r50 -o - in/page.ps | sha256sum"),
	Program("dot", "graphviz", "$T dot -Tplain in/graph.dot"),
	Program("exiftool", "libimage-exiftool-perl", "$T exiftool -ver"),
	# Servers
	Program("redis-server", "redis-server", "$T redis-server in/redis.conf --dir $PWD >/dev/null & until redis-cli -s $PWD/s ping "
	        "2>/dev/null; do sleep 0.1; done; redis-benchmark -s $PWD/s -n 2000 -q -t set,get,lpush,lrange_100 >/dev/null; "
	        "redis-cli -s $PWD/s shutdown nosave; wait $!"),
	Program("redis-server that saves", "redis-server", "$T redis-server in/redis.conf --dir $PWD >/dev/null & "
	        "until redis-cli -s $PWD/s ping 2>/dev/null; do sleep 0.1; done; redis-benchmark -s $PWD/s -n 2000 -q -t set,lpush >/dev/null; "
	        "for i in 1 2 3; do redis-cli -s $PWD/s bgsave >/dev/null; until redis-cli -s $PWD/s info persistence "
	        "| grep -q bgsave_in_progress:0; do sleep 0.1; done; done; redis-cli -s $PWD/s shutdown nosave; wait $!"),
	Program("memcached", "memcached", "$T memcached -u root -t 4 -P $PWD/pid -s $PWD/s & until [ -S s ] && [ -s pid ]; do sleep 0.1; done; "
	        "python3 in/memcached.py $PWD/s; kill -INT $(cat pid); wait $!"),
	Program("nginx", "nginx-light", "$T nginx -p $PWD -c $PWD/in/nginx.conf -e err 2>/dev/null & until [ -S s ]; do sleep 0.1; done; "
	        "for i in 1 2 3 4 5 6 7 8; do curl -s --unix-socket $PWD/s http://l/words | sha256sum; done; "
	        "kill -QUIT $(cat pid); wait $!"),
	Program("nginx with workers", "nginx-light", "sed 's/master_process off/master_process on; user root; worker_processes 3/' in/nginx.conf >n; "
	        "$T nginx -p $PWD -c $PWD/n -e err 2>/dev/null & until [ -S s ]; do sleep 0.1; done; ln -s in/words words; "
	        "for i in 1 2 3 4 5 6 7 8; do curl -s --unix-socket $PWD/s http://l/words | sha256sum; done; "
	        "kill -HUP $(cat pid); sleep 0.5; curl -s --unix-socket $PWD/s http://l/words | sha256sum; kill -QUIT $(cat pid); wait $!"),
	Program("nginx as a daemon", "nginx-light", "sed 's/daemon off; master_process off/user root; worker_processes 2/' in/nginx.conf >n; "
	        "$T nginx -p $PWD -c $PWD/n -e err 2>/dev/null; until [ -S s ] && [ -s pid ]; do sleep 0.1; done; "
	        "curl -s --unix-socket $PWD/s http://l/words | sha256sum; p=$(cat pid); kill -QUIT $p; "
	        "while [ -e /proc/$p ]; do sleep 0.1; done"),
	Program("curl", "curl", "$T curl -s file://$PWD/in/words | sha256sum"),
	# Those that are made to hurt
	Program("stress-ng --malloc", "stress-ng", "$T stress-ng -q --malloc 2 --malloc-ops 20000 --malloc-bytes 1M",
	        note=CHILDREN),
	Program("stress-ng --bigheap", "stress-ng", "$T stress-ng -q --bigheap 1 --bigheap-ops 300",
	        note=CHILDREN),
	Program("stress-ng --pthread", "stress-ng", "$T stress-ng -q --pthread 2 --pthread-ops 400",
	        note=CHILDREN),
]
