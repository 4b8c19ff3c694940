# A request takes nothing from the heap beyond the blocks of nginx's own pools: a guarded one makes as many calls of
# malloc and its kin as an unguarded one.
# Test::Nginx cannot count them, so this suite runs a server of its own.
use v5.20;
use warnings;

use IO::Socket::UNIX;
use Test::More;
use Time::HiRes qw(sleep);

use lib 't/lib';
use Media;
use Server;

my $keys = keys_dir();
my $dir  = folder();
write_file("html/$_/a.txt", "private\n") for qw(media open);
write_file('count', "\0" x 8);
write_file('revoked', join '', map { "sub user$_\nkid key$_\n" } 1 .. 1000);

start(
    http => <<"HTTP",
    log_format all '\$request|\$status|\$crossdomain_media_status|\$crossdomain_media_reason|\$crossdomain_media_key_id'
        '|\$crossdomain_media_remaining|\$crossdomain_media_uri|\$crossdomain_media_return_url';
    access_log $dir/access.log all;
    # Neither more blocks of a pool nor a buffer for the file.
    request_pool_size 64k;
    sendfile on;
    keepalive_requests 100000;
    server {
        listen unix:$dir/socket;
        root $dir/html;
        crossdomain_media_key $keys/old.key signs=parent;
        crossdomain_media_key $keys/main.key path=decoded id=decoded;
        crossdomain_media_key $keys/main.key id=main;
        crossdomain_media_public_url http://media.example.org;
        crossdomain_media_revoked $dir/revoked;
        crossdomain_media_zone media:64k;
        location /open/ { }
        location /media/ { crossdomain_media https://www.example.com; }
        location /variable/ {
            alias $dir/html/media/;
            crossdomain_media https://www.example.com/renew?next=\$crossdomain_media_return_url;
        }
        location /named/ {
            alias $dir/html/media/;
            crossdomain_media https://www.example.com;
            crossdomain_media_on missing expired invalid \@application;
        }
        location \@application { return 200 "application\n"; }
    }
HTTP
    socket => "$dir/socket",
    env => { LD_PRELOAD => library('t/lib/allocations.c'), ALLOCATIONS => "$dir/count" },
);
my $socket = IO::Socket::UNIX->new(Peer => "$dir/socket") or BAIL_OUT("no connection: $!");

# The status, over the one connection.
sub get {
    my ($target) = @_;
    print {$socket} "GET $target HTTP/1.1\r\nHost: localhost\r\n\r\n";
    my $head = '';
    my $line;
    $head .= $line while defined($line = <$socket>) && $line ne "\r\n";
    my ($status) = $head =~ m{\AHTTP/1\.1 (\d+)} or die "not HTTP: $head";
    my ($length) = $head =~ /^Content-Length: (\d+)/mi or die "no length: $head";
    my $body;
    read $socket, $body, $length;
    return $status;
}

# Once nothing happens any more: a response arrives before nginx is done with the request.
sub allocations {
    my $last = -1;
    while (1) {
        open my $in, '<:raw', "$dir/count" or die "$dir/count: $!";
        my $bytes;
        read $in, $bytes, 8;
        my $now = unpack 'Q', $bytes;
        return $now if $now == $last;
        $last = $now;
        sleep 0.02;
    }
}

my $requests = 50;

sub allocations_of {
    my ($target, $status) = @_;
    # What is taken once is not what a request takes.
    get($target) for 1 .. 3;
    my $before = allocations();
    my @other = grep { get($target) != $status } 1 .. $requests;
    is @other, 0, "$target: always $status" or return -1;
    return allocations() - $before;
}

my $open = allocations_of('/open/a.txt', 200);
cmp_ok $open, '>=', $requests, 'calls are counted: each request has a pool';
is allocations_of('/open/a.txt?token=x', 200), $open, 'as many each time';

my $signed = sub { signed("/$_[0]/a.txt", key => 'main.key', at => $_[1] // 0) };
for my $case (
    [ 'a grant',                  $signed->('media'),                200 ],
    [ 'a grant by another key',   signed('/media/a.txt', key => 'old.key') =~ s/\?.*//r . '?'
                                      . token_arg('/media', key => 'old.key'), 200 ],
    [ 'a grant among arguments',  $signed->('media') =~ s/\?/?a=1&/r . '&b=%20', 200 ],
    [ 'a future grant, logged',   $signed->('media', 3600),          200 ],
    [ 'a redirect',               '/media/a.txt',                    302 ],
    [ 'a redirect with a query',  '/media/%C3%BC?a=%20&b',           302 ],
    [ 'a redirect after expiry',  $signed->('media', -3600),         302 ],
    [ 'a refusal',                $signed->('media') . 'x',          403 ],
    [ 'a malformed token',        '/media/a.txt?token=x',            403 ],
    [ 'an unsafe path',           '/media/b/%2e%2e/a.txt?token=1:x', 403 ],
    [ 'a grant, variable URL',    $signed->('variable'),             200 ],
    [ 'a redirect, variable URL', '/variable/a.txt?a=1',             302 ],
    [ 'a named location',         '/named/a.txt?token=x',            200 ],
) {
    my ($what, $target, $status) = @$case;
    is allocations_of($target, $status), $open, "$what takes nothing from the heap";
}

close $socket;
stop();
unlike log_text(), qr/\[alert\]|Sanitizer|panicked|exited on signal/, 'no alarm in the log';
done_testing;
