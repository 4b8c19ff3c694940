package Server;

# One nginx for a whole table of requests, which are sent byte for byte: Test::Nginx starts one for each block.
# Its clock stands still, where there is libfaketime.

use v5.20;
use warnings;

use Exporter qw(import);
use File::Temp qw(tempdir);
use IO::Socket::UNIX;
use POSIX qw(strftime);
use Time::HiRes qw(sleep time);

our @EXPORT = qw(folder write_file start stop ask log_text);

# Socket paths are short, so the folder is not below the tree.
my $dir = tempdir('crossdomain-media-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $server = 0;

sub folder { return $dir }

# Writes a file of the folder, and makes the folders that it is in.
sub write_file {
    my ($path, $text) = @_;
    my $at = $dir;
    for my $part (split m{/}, $path =~ s{/?[^/]*\z}{}r) {
        $at .= "/$part";
        -d $at || mkdir $at or die "$at: $!";
    }
    open my $out, '>:raw', "$dir/$path" or die "$path: $!";
    print {$out} $text;
    close $out or die "$path: $!";
    chmod 0600, "$dir/$path" or die "$path: $!";
}

# Starts nginx with these servers, at that time (Unix seconds), and waits until it listens at SOCKET.
# Dies with what it has logged.
sub start {
    my ($http, $now, $socket) = @_;
    my $nginx = $ENV{TEST_NGINX_BINARY} || 'nginx';
    my $load = join '', map { "load_module $_;\n" } grep { length } split /\s+/, $ENV{TEST_NGINX_LOAD_MODULES} // '';
    my $user = $> == 0 ? "user root;\n" : '';
    # Where a distribution's nginx keeps these may not exist.
    my $temp = join ' ', map { "${_}_temp_path $dir/${_}_temp;" } qw(client_body proxy fastcgi uwsgi scgi);
    my %env = $ENV{TEST_NGINX_FAKETIME}
        ? (LD_PRELOAD => $ENV{TEST_NGINX_FAKETIME}, FAKETIME => strftime('%Y-%m-%d %H:%M:%S', gmtime $now),
            DONT_FAKE_MONOTONIC => 1, FAKETIME_DISABLE_SHM => 1, TZ => 'UTC')
        : ();
    my $names = join '', map { "env $_;\n" } sort keys %env;
    write_file('nginx.conf', <<"CONFIG");
$load$user$names
worker_processes 1;
daemon off;
pid $dir/nginx.pid;
error_log $dir/error.log info;
events { worker_connections 512; }
http {
    $temp
$http
}
CONFIG
    $server = fork // die "fork: $!";
    if (!$server) {
        @ENV{ keys %env } = values %env;
        open STDERR, '>', "$dir/stderr" or die "stderr: $!";
        exec $nginx, '-p', "$dir/", '-c', "$dir/nginx.conf", '-e', "$dir/error.log" or POSIX::_exit(127);
    }
    my $end = time + 60;
    until (IO::Socket::UNIX->new(Peer => $socket)) {
        die 'no server: ' . log_text() if time > $end || waitpid($server, POSIX::WNOHANG()) > 0;
        sleep 0.02;
    }
}

# Also at the end of a suite that dies.
sub stop {
    return unless $server;
    kill QUIT => $server;
    waitpid $server, 0;
    $server = 0;
}

END { local $?; stop() }

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
