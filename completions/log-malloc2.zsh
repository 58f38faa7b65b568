#compdef log-malloc log-malloc-findleak log-malloc-report log-malloc-diff log-malloc-trackusage log-malloc-cat log-malloc-mark log-malloc-top log-malloc-push backtrace2line
# SPDX-License-Identifier: GPL-3.0-or-later
# Completion for the commands of log-malloc2 in zsh. What options there are, each command's --help says.

# The value of OPTION of COMMAND, which are $1 and $2.
_log_malloc2_value() {
	local -a values

	case $1:$2 in
	log-malloc-findleak:--format) values=(text json junit) ;;
	log-malloc-report:--format) values=(text json html svg folded massif pprof) ;;
	log-malloc-trackusage:--format) values=(text csv json) ;;
	log-malloc-push:--format) values=(pyroscope pprof) ;;
	*:--format) values=(text json) ;;
	*:--color) values=(auto always never) ;;
	log-malloc-findleak:--sort) values=(trend growth blocks bytes age) ;;
	log-malloc-findleak:--show) values=(lost indirect possible reachable all) ;;
	log-malloc-top:--sort) values=(live blocks growth rate allocated) ;;
	*:--tree) values=(top-down bottom-up) ;;
	*:--by) values=(leaked peak allocated calls temporary) ;;
	log-malloc:--statm) values=(always never) ;;
	log-malloc:--at) values=(peak= growth= rss= cgroup= failed) ;;
	log-malloc:--start) values=(on off) ;;
	log-malloc:--signal | log-malloc:--mark-signal) values=(none USR1 USR2 HUP WINCH URG IO PROF ALRM CHLD CONT) ;;
	log-malloc-cat:--call)
		values=(malloc calloc realloc memalign posix_memalign valloc free reallocarray
			aligned_alloc pvalloc free_sized free_aligned_sized) ;;
	*:--debug-dir | *:--sysroot | *:--work-dir) _files -/ && return ;;
	*:--output | log-malloc:--library | log-malloc:--report | *:--plot | *:--maps | *:--exe | *:--ram | *:--token-file | *:--suppressions) _files && return ;;
	*:--pid) _pids && return ;;
	esac
	((!$#values)) || compadd -- $values
}

# Sets specs to what _arguments wants to know of the options of the command $1.
_log_malloc2_specs() {
	local command=$1 line short long argument text action names

	for line in ${(f)"$($command --help 2>/dev/null)"}; do
		[[ $line =~ '^  (-(.), |    )(--[a-z-]+)(\[=[A-Z]+\]| [A-Z]+)?( .*)?$' ]] || continue
		short=$match[2] long=$match[3] argument=${match[4]//[^A-Z]/} text=${match[5]## #}
		text=${${text//\[/\\[}//\]/\\]}
		names="($long${short:+ -$short})"
		action=":$argument:{_log_malloc2_value ${command:t} $long}"
		if [[ -z $argument ]]; then
			specs+=("$names${long}[$text]")
			[[ -z $short ]] || specs+=("$names-${short}[$text]")
		elif [[ $match[4] == '['* ]]; then
			specs+=("$names${long}=-[$text]:$action")
		else
			specs+=("$names${long}=[$text]$action")
			[[ -z $short ]] || specs+=("$names-${short}+[$text]$action")
		fi
	done
}

_log_malloc2() {
	local -a specs

	_log_malloc2_specs $words[1]
	if [[ ${words[1]:t} == log-malloc ]]; then
		_arguments -s -S -A '-*' $specs '(-)1:command:_command_names -e' '*::argument:_normal'
	else
		_arguments -s -S $specs '*:file:_files'
	fi
}

_log_malloc2 "$@"
