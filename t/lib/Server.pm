package Server;

# One nginx for a whole suite, where Test::Nginx would start one for each block: with a clock that stands still, or with
# a library that counts or refuses what it is asked for.

use v5.20;
use warnings;

use Cwd qw(getcwd);
use Exporter qw(import);
use File::Temp qw(tempdir);
use IO::Socket::UNIX;
use POSIX ();
use Test::More ();
use Time::HiRes qw(sleep time);

our @EXPORT = qw(folder write_file library frozen start stop server_pid ask log_text);

# Socket paths are short, so the folder is not below the tree.
my $dir = tempdir('crossdomain-media-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $server = 0;
my $owner = $$;

sub folder { return $dir }

# Writes a file of the folder, and makes the folders that it is in. Renamed into place: the server may be reading it.
sub write_file {
    my ($path, $text) = @_;
    my $at = $dir;
    for my $part (split m{/}, $path =~ s{/?[^/]*\z}{}r) {
        $at .= "/$part";
        -d $at || mkdir $at or die "$at: $!";
    }
    my $new = "$dir/$path.new";
    open my $out, '>:raw', $new or die "$new: $!";
    print {$out} $text;
    close $out or die "$new: $!";
    chmod 0600, $new or die "$new: $!";
    rename $new, "$dir/$path" or die "$path: $!";
}

# Compiles a C file to be preloaded. Below the tree, where a library may be loaded from.
sub library {
    my ($source) = @_;
    my $folder = tempdir('library-XXXXXX', DIR => getcwd() . '/build', CLEANUP => 1);
    chmod 0755, $folder;
    my @command = (qw(cc -O2 -Wall -shared -fPIC -fno-builtin -o), "$folder/library.so", $source, '-ldl');
    system(@command) == 0 or Test::More::BAIL_OUT("$source cannot be compiled");
    return "$folder/library.so";
}

# The environment of a server whose clock is libfaketime's, which is told the time by this; none without libfaketime.
sub frozen {
    my (%time) = @_;
    my $library = $ENV{TEST_NGINX_FAKETIME} or return {};
    return { LD_PRELOAD => $library, %time, DONT_FAKE_MONOTONIC => 1, FAKETIME_DISABLE_SHM => 1, TZ => 'UTC' };
}

# Starts nginx, and waits until it listens at a socket. Options: http (what stands there), main (more beside it),
# socket (a path), env (for its processes). Dies with what it has logged.
sub start {
    my (%opt) = @_;
    my %env = %{ $opt{env} // {} };
    my $nginx = $ENV{TEST_NGINX_BINARY} || 'nginx';
    my $load = join '', map { "load_module $_;\n" } grep { length } split /\s+/, $ENV{TEST_NGINX_LOAD_MODULES} // '';
    my $user = $> == 0 ? "user root;\n" : '';
    # Where a distribution's nginx keeps these may not exist.
    my $temp = join ' ', map { "${_}_temp_path $dir/${_}_temp;" } qw(client_body proxy fastcgi uwsgi scgi);
    my $names = join '', map { "env $_;\n" } sort keys %env;
    my $main = $opt{main} // '';
    write_file('nginx.conf', <<"CONFIG");
$load$user$names$main
worker_processes 1;
daemon off;
pid $dir/nginx.pid;
error_log $dir/error.log info;
events { worker_connections 512; }
http {
    $temp
$opt{http}
}
CONFIG
    $server = fork // die "fork: $!";
    if (!$server) {
        delete $ENV{FAKETIME};
        @ENV{ keys %env } = values %env;
        open STDERR, '>', "$dir/stderr" or die "stderr: $!";
        exec $nginx, '-p', "$dir/", '-c', "$dir/nginx.conf", '-e', "$dir/error.log" or POSIX::_exit(127);
    }
    my $end = time + 60;
    until (IO::Socket::UNIX->new(Peer => $opt{socket})) {
        die 'no server: ' . log_text() if time > $end || waitpid($server, POSIX::WNOHANG()) > 0;
        sleep 0.02;
    }
}

sub server_pid { return $server }

# Also at the end of a suite that dies.
sub stop {
    return unless $server && $$ == $owner;
    kill QUIT => $server;
    waitpid $server, 0;
    $server = 0;
}

END { local $?; stop() }

# What a log holds, the error log unless it is named.
sub log_text {
    my ($name) = @_;
    open my $in, '<:raw', $dir . '/' . ($name // 'error.log') or return '';
    local $/;
    return <$in> // '';
}

# Sends bytes, and returns all that comes until the server closes; undef if it does not within a minute.
sub ask {
    my ($socket, $bytes) = @_;
    my $connection = IO::Socket::UNIX->new(Peer => $socket) or die "$socket: $!";
    local $SIG{ALRM} = sub { die "timeout\n" };
    local $SIG{PIPE} = 'IGNORE';
    my $answer = eval {
        alarm 60;
        # What the server has refused already it may not read to its end.
        print {$connection} $bytes;
        $connection->flush;
        local $/;
        my $read = <$connection> // '';
        alarm 0;
        $read;
    };
    alarm 0;
    return $answer;
}

1;
