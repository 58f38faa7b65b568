# SPDX-License-Identifier: GPL-3.0-or-later
# Completion for the commands of log-malloc2 in fish. What options there are, each command's --help says.

# The words for the value of OPTION of COMMAND.
function __log_malloc2_value -a command option
    switch $command:$option
        case log-malloc-findleak:--format
            string split ' ' 'text json junit'
        case log-malloc-report:--format
            string split ' ' 'text json html svg folded massif pprof'
        case log-malloc-trackusage:--format
            string split ' ' 'text csv json'
        case log-malloc-push:--format
            string split ' ' 'pyroscope pprof'
        case '*:--format'
            string split ' ' 'text json'
        case '*:--color'
            string split ' ' 'auto always never'
        case log-malloc-top:--sort log-malloc-top:-s
            string split ' ' 'live blocks growth rate allocated'
        case '*:--tree'
            string split ' ' 'top-down bottom-up'
        case '*:--by' log-malloc-report:-b log-malloc-diff:-b
            string split ' ' 'leaked peak allocated calls temporary'
        case log-malloc-findleak:--sort
            string split ' ' 'trend growth blocks bytes age'
        case log-malloc-findleak:--show
            string split ' ' 'lost indirect possible reachable all'
        case log-malloc:--statm
            string split ' ' 'always never'
        case log-malloc:--at
            string split ' ' 'peak= growth= rss= cgroup= failed'
        case log-malloc:--start
            string split ' ' 'on off'
        case log-malloc:--signal log-malloc:--mark-signal
            string split ' ' 'none USR1 USR2 HUP WINCH URG IO PROF ALRM CHLD CONT'
        case log-malloc-cat:--call
            string split ' ' 'malloc calloc realloc memalign posix_memalign valloc free reallocarray aligned_alloc pvalloc free_sized free_aligned_sized'
        case '*:--debug-dir' '*:--sysroot' '*:--work-dir' backtrace2line:-w
            __fish_complete_directories (commandline -ct | string replace -r '^--[a-z-]+=' '')
        case '*:--output' log-malloc:--library log-malloc:--report '*:--plot' log-malloc:-o log-malloc-report:-o log-malloc-top:-o '*:--maps' backtrace2line:-m '*:--exe' '*:--ram' '*:--token-file' '*:--suppressions' log-malloc-findleak:-s log-malloc-report:-s
            __fish_complete_path (commandline -ct | string replace -r '^--[a-z-]+=' '')
        case '*:--pid' '*:-p'
            __fish_complete_pids
    end
end

# A line for each option of COMMAND: its name, its letter, what its value is called, what it does; with tabs in between.
function __log_malloc2_help -a command
    $command --help 2>/dev/null |
        string replace -rf '^  (?:-(.), |    )(--[a-z-]+)(?:\[=[A-Z]+\])?(?: ([A-Z]+))?(?: +(.*))?$' '$2\t$1\t$3\t$4'
end

# Does OPTION of COMMAND have a value, in a word of its own?
function __log_malloc2_takes -a command option
    for line in (__log_malloc2_help $command)
        set -l parts (string split \t -- $line)
        if test -n "$parts[3]"; and contains -- $option $parts[1] -$parts[2]
            return 0
        end
    end
    return 1
end

function __log_malloc2_options -a command
    for line in (__log_malloc2_help $command)
        set -l parts (string split \t -- $line)
        printf '%s\t%s\n' $parts[1] $parts[4]
    end
end

# Where the command that log-malloc runs begins in the words behind log-malloc; 0: not yet.
function __log_malloc2_start
    set -l skip no
    for i in (seq (count $argv))
        if test $skip = yes
            set skip no
        else if test $argv[$i] = --
            echo (math $i + 1)
            return
        else if string match -q -- '-*' $argv[$i]
            __log_malloc2_takes log-malloc $argv[$i]; and set skip yes
        else
            echo $i
            return
        end
    end
    echo 0
end

function __log_malloc2
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l command (string replace -r '.*/' '' -- $words[1])
    set -l start 0
    test $command = log-malloc; and set start (__log_malloc2_start $words[2..])
    if test $start != 0
        if test $start -gt (math (count $words) - 1)
            __fish_complete_command
        else
            complete -C (string join ' ' -- (string escape -- $words[(math $start + 1)..] $current))
        end
    else if set -l parts (string match -r -g -- '^(--[a-z-]+)=(.*)$' $current)
        __log_malloc2_value $command $parts[1] | string replace -r '^' -- "$parts[1]="
    else if test (count $words) -gt 1; and __log_malloc2_takes $words[1] $words[-1]
        __log_malloc2_value $command $words[-1]
    else if string match -q -- '-*' $current
        __log_malloc2_options $words[1]
    else if test $command = log-malloc
        __fish_complete_command
    else
        __fish_complete_path $current
    end
end

for command in log-malloc log-malloc-findleak log-malloc-report log-malloc-diff log-malloc-trackusage log-malloc-cat log-malloc-mark log-malloc-top log-malloc-push backtrace2line
    complete -c $command -f -a '(__log_malloc2)'
end
