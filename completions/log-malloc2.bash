# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# Completion for the commands of log-malloc2. What options there are, each command's --help says.

_log_malloc2_words() {
	mapfile -t COMPREPLY < <(compgen -W "$1" -- "$2")
}

_log_malloc2_files() {
	compopt -o filenames 2>/dev/null
	mapfile -t COMPREPLY < <(compgen "$1" -- "$2")
}

# The value of OPTION of COMMAND. Fails if it takes none.
_log_malloc2_value() {
	local command=$1 option=$2 current=$3

	case $command:$option in
	log-malloc-findleak:--format) _log_malloc2_words 'text json junit' "$current" ;;
	log-malloc-report:--format) _log_malloc2_words 'text json html svg folded massif pprof' "$current" ;;
	log-malloc-trackusage:--format) _log_malloc2_words 'text csv json' "$current" ;;
	log-malloc-push:--format) _log_malloc2_words 'pyroscope pprof' "$current" ;;
	*:--format) _log_malloc2_words 'text json' "$current" ;;
	*:--color) _log_malloc2_words 'auto always never' "$current" ;;
	log-malloc-top:--sort | log-malloc-top:-s) _log_malloc2_words 'live blocks growth rate allocated' "$current" ;;
	*:--tree) _log_malloc2_words 'top-down bottom-up' "$current" ;;
	*:--by | log-malloc-report:-b | log-malloc-diff:-b)
		_log_malloc2_words 'leaked peak allocated calls temporary' "$current" ;;
	log-malloc-findleak:--sort) _log_malloc2_words 'trend growth blocks bytes age' "$current" ;;
	log-malloc-findleak:--show) _log_malloc2_words 'lost indirect possible reachable all' "$current" ;;
	log-malloc:--statm) _log_malloc2_words 'always never' "$current" ;;
	log-malloc:--at)
		compopt -o nospace 2>/dev/null
		_log_malloc2_words 'peak= growth= rss= cgroup= failed' "$current" ;;
	log-malloc:--start) _log_malloc2_words 'on off' "$current" ;;
	log-malloc:--signal | log-malloc:--mark-signal)
		_log_malloc2_words 'none USR1 USR2 HUP WINCH URG IO PROF ALRM CHLD CONT' "$current" ;;
	log-malloc-cat:--call)
		_log_malloc2_words "malloc calloc realloc memalign posix_memalign valloc free reallocarray
			aligned_alloc pvalloc free_sized free_aligned_sized" "$current" ;;
	*:--debug-dir | *:--sysroot | backtrace2line:--work-dir | backtrace2line:-w)
		_log_malloc2_files -d "$current" ;;
	log-malloc:-o | log-malloc:--library | log-malloc-report:-o | log-malloc-top:-o | *:--output | log-malloc:--report | *:--plot | backtrace2line:-m | *:--maps | *:--exe | *:--ram | *:--token-file | log-malloc-findleak:-s | log-malloc-report:-s | *:--suppressions)
		_log_malloc2_files -f "$current" ;;
	*:-p | *:--pid) _log_malloc2_words "$(cd /proc && echo [0-9]*)" "$current" ;;
	*:--limit | *:--sample | *:--keep | log-malloc:--run | log-malloc:--for | *:--until-growth | *:--top | *:--min-* | *:--max-* | *:--older-than | *:--since | *:--until | *:--between | *:--interval | log-malloc-top:-i | *:--every | *:--depth | *:-t | *:--from | *:--to | *:--address | *:--boot | *:--thread | *:--grep | *:--name | *:--label | *:--header | *:--timeout) COMPREPLY=() ;;
	*) return 1 ;;
	esac
}

# Where COMMAND's options end and another command begins: a place in COMP_WORDS. Fails in front of it.
_log_malloc2_command() {
	local i

	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--) echo $((i + 1)) && return ;;
		-o | --output | --report | --depth | --statm | --start | --signal | --mark-signal | --limit | --sample | --keep | --at | --run | -p | --pid | --for | \
			--until-growth | --library)
			((++i))
			[[ ${COMP_WORDS[i]-} != '=' ]] || ((++i))
			# A value may have the sign, too: --at peak=200M.
			[[ ${COMP_WORDS[i + 1]-} != '=' ]] || ((i += 2)) ;;
		-*) ;;
		*) echo "$i" && return ;;
		esac
	done
	return 1
}

_log_malloc2() {
	local command=${1##*/} current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} start

	COMPREPLY=()
	# bash splits --option=value at the sign.
	if [[ $current == '=' ]]; then
		current=
	elif [[ $previous == '=' && $COMP_CWORD -gt 1 ]]; then
		previous=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	if [[ $command == log-malloc ]] && start=$(_log_malloc2_command); then
		if ((start < COMP_CWORD)) && declare -F _command_offset >/dev/null; then
			_command_offset "$start"
		elif ((start < COMP_CWORD)); then
			_log_malloc2_files -f "$current"
		else
			_log_malloc2_files -c "$current"
		fi
		return
	fi
	[[ $previous != -* ]] || ! _log_malloc2_value "$command" "$previous" "$current" || return
	if [[ $current == -* ]]; then
		_log_malloc2_words "$("$1" --help 2>/dev/null |
			sed -n 's/^  \(-., \|    \)\(--[a-z-]*\).*/\2/p')" "$current"
	elif [[ $command == log-malloc ]]; then
		_log_malloc2_files -c "$current"
	else
		_log_malloc2_files -f "$current"
	fi
}

complete -F _log_malloc2 log-malloc log-malloc-findleak log-malloc-report log-malloc-diff log-malloc-trackusage log-malloc-cat log-malloc-mark log-malloc-top log-malloc-push backtrace2line
