# A reload: new keys take effect, a broken configuration changes nothing, and no request is lost.
# Test::Nginx restarts its server for each block, so this suite runs one of its own.
use v5.20;
use warnings;

use File::Temp qw(tempdir);
use IO::Socket::UNIX;
use Test::More;
use Time::HiRes qw(sleep time);

use lib 't/lib';
use Media;

my $nginx   = $ENV{TEST_NGINX_BINARY} || 'nginx';
my @modules = grep { length } split /\s+/, $ENV{TEST_NGINX_LOAD_MODULES} // '';

# Socket paths are short, so the folder is not below the tree.
my $dir = tempdir('crossdomain-media-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $owner = $$;
mkdir "$dir/$_" or die "$dir/$_: $!" for qw(html html/media logs);
write_file("$dir/html/media/a.txt", "private\n");

sub write_file {
    my ($path, $text) = @_;
    # Renamed into place, as a deployment would do.
    open my $out, '>:raw', "$path.new" or die "$path.new: $!";
    print {$out} $text;
    close $out or die "$path: $!";
    chmod 0600, "$path.new" or die "$path.new: $!";
    rename "$path.new", $path or die "$path: $!";
}

sub configure {
    my ($guard) = @_;
    my $load = join '', map { "load_module $_;\n" } @modules;
    my $user = $> == 0 ? "user root;\n" : '';
    # Where a distribution's nginx keeps these may not exist.
    my $temp = join ' ', map { "${_}_temp_path $dir/${_}_temp;" } qw(client_body proxy fastcgi uwsgi scgi);
    write_file("$dir/nginx.conf", <<"CONFIG");
$load$user
worker_processes 2;
pid $dir/nginx.pid;
error_log $dir/logs/error.log info;
events { worker_connections 64; }
http {
    access_log off;
    $temp
    server {
        listen unix:$dir/http.sock;
        root $dir/html;
        location /media/ { $guard }
    }
}
CONFIG
}

# Status and body, or what went wrong.
sub get {
    my ($target) = @_;
    my $socket = IO::Socket::UNIX->new(Peer => "$dir/http.sock") or return "connect: $!";
    local $SIG{PIPE} = 'IGNORE';
    print {$socket} "GET $target HTTP/1.0\r\n\r\n";
    local $/;
    my $response = <$socket> // return 'no response';
    return $response =~ m{\AHTTP/1\.1 (\d+).*?\r\n\r\n(.*)}s ? "$1 $2" : "not HTTP: $response";
}

sub status { return get(@_) =~ s/ .*//sr }

sub pid {
    open my $in, '<', "$dir/nginx.pid" or return 0;
    chomp(my $pid = <$in> // return 0);
    return $pid;
}

sub log_text {
    open my $in, '<', "$dir/logs/error.log" or return '';
    local $/;
    return <$in> // '';
}

# Until the condition holds, for at most ten seconds.
sub eventually {
    my ($condition) = @_;
    my $end = time + 10;
    until ($condition->()) {
        return 0 if time > $end;
        sleep 0.02;
    }
    return 1;
}

sub workers {
    my $pid = pid() or return ();
    open my $in, '<', "/proc/$pid/task/$pid/children" or return ();
    return split ' ', <$in> // '';
}

# Sends HUP, and waits until the workers of before are gone.
sub reload {
    my %old = map { $_ => 1 } workers();
    kill HUP => pid();
    return eventually(sub { my @now = workers(); @now && !grep { $old{$_} } @now });
}

sub stop {
    my $pid = pid() or return;
    kill QUIT => $pid;
    eventually(sub { !kill 0, $pid }) or kill KILL => $pid;
}

END { local $?; stop() if defined $owner && $$ == $owner && $dir }

# Whether a process holds a text anywhere in memory that it can write to; undef when that cannot be seen.
sub remembers {
    my ($pid, $text) = @_;
    open my $maps, '<', "/proc/$pid/maps" or return undef;
    open my $mem, '<:raw', "/proc/$pid/mem" or return undef;
    while (my $line = <$maps>) {
        my ($from, $to) = $line =~ /^([0-9a-f]+)-([0-9a-f]+) rw/ or next;
        # A sanitizer's shadow.
        next if hex($to) - hex($from) > 2**30;
        sysseek $mem, hex $from, 0 or next;
        sysread $mem, my $bytes, hex($to) - hex $from or next;
        return 1 if index($bytes, $text) >= 0;
    }
    return 0;
}

my %secret = map { $_ => secret("$_.key") } qw(main old other);
my %good = map { $_ => signed('/media/a.txt', key => "$_.key", at => 60) } keys %secret;

write_file("$dir/site.key", "$secret{main}\n");
configure('crossdomain_media https://www.example.com; crossdomain_media_key site.key;');
is system($nginx, '-p', "$dir/", '-c', "$dir/nginx.conf", '-e', "$dir/logs/error.log"), 0, 'nginx starts'
    or BAIL_OUT('no server, no tests: ' . log_text());
ok eventually(sub { status('/media/a.txt') eq '302' }), 'the server answers';

is get($good{main}), "200 private\n", 'the key grants';
is status($good{old}), 403, 'another key does not';

write_file("$dir/site.key", "$secret{old}\n");
is status($good{main}), 200, 'a file that changes on disk changes nothing before a reload';
ok reload(), 'the first reload replaces the workers';
is get($good{old}), "200 private\n", 'the new key grants';
is status($good{main}), 403, 'the key that was replaced does not';

SKIP: {
    my $held = remembers(pid(), $secret{main});
    skip 'the memory of another process cannot be read here', 3 unless defined $held;
    ok !$held, 'the master holds no replaced secret in memory';
    ok !remembers(pid(), $secret{old}), 'nor the secret of now, which it needs only in derived form';
    ok !(grep { remembers($_, $secret{old}) } workers()), 'nor do the workers';
}

# What a reload must not accept leaves the old configuration at work.
my $emergencies = () = log_text() =~ /\[emerg\]/g;
for my $broken (
    [ 'an empty key file'   => sub { write_file("$dir/site.key", "\n") } ],
    [ 'a missing key file'  => sub { unlink "$dir/site.key" } ],
    [ 'a guard without key' => sub { configure('crossdomain_media https://www.example.com;') } ],
) {
    my ($what, $break) = @$broken;
    $break->();
    kill HUP => pid();
    $emergencies++;
    ok eventually(sub { (() = log_text() =~ /\[emerg\]/g) == $emergencies }), "$what is reported";
    is status($good{old}), 200, "$what: the old key still grants";
    is status('/media/a.txt'), 302, "$what: the guard still stands";
}

# A key that is trusted before and after every reload, and requests all the while.
write_file("$dir/site.key", "$secret{other}\n");
write_file("$dir/second.key", "$secret{old}\n");
my @configurations = (
    'crossdomain_media https://www.example.com; crossdomain_media_key site.key id=a; crossdomain_media_key second.key id=b;',
    'crossdomain_media https://www.example.com; crossdomain_media_key second.key id=b;',
);
pipe my $read, my $write or die "pipe: $!";
my $client = fork // die "fork: $!";
if (!$client) {
    # POSIX::_exit: neither Test::More nor the END block have business here.
    require POSIX;
    close $read;
    my %count;
    my $end = time + 30;
    my $stopped = 0;
    local $SIG{TERM} = sub { $stopped = 1 };
    until ($stopped || time > $end) {
        $count{ get($good{old}) eq "200 private\n" ? 'granted' : 'lost' }++;
        $count{ status('/media/a.txt') eq '302' ? 'redirected' : 'lost' }++;
    }
    syswrite $write, join ' ', map { $count{$_} // 0 } qw(granted redirected lost);
    POSIX::_exit(0);
}
close $write;
my $reloads = 0;
for my $turn (0 .. 5) {
    configure($configurations[ $turn % 2 ]);
    $reloads += reload();
}
kill TERM => $client;
my ($granted, $redirected, $lost) = split ' ', <$read> // '';
waitpid $client, 0;
is $reloads, 6, 'six reloads under load replace the workers';
cmp_ok $granted, '>', 20, 'meanwhile requests are granted';
cmp_ok $redirected, '>', 20, 'and redirected';
is $lost, 0, 'and none is lost';

configure('');
ok reload(), 'the last reload takes the guard away';
is get('/media/a.txt'), "200 private\n", 'and the file is open';

stop();
unlike log_text(), qr/\[alert\]|Sanitizer|panicked|exited on signal/, 'no alarm in the log';
done_testing;
