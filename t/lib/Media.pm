package Media;

# What every suite shares: tokens minted the way Django mints them, and expectations that say
# in one line what a grant, a refusal or a redirect looks like on the wire.

use v5.20;
use warnings;

use Digest::SHA qw(hmac_sha1 hmac_sha256 sha1 sha256);
use Exporter qw(import);
use JSON::PP ();
use MIME::Base64 qw(encode_base64);
use Test::More ();
use Test::Nginx::Socket ();
use Test::Nginx::Util qw(add_block_preprocessor html_dir no_long_string no_root_location);

our @EXPORT = qw(token token_arg signed raw_get percent secret keys_dir base62);

# The signer's class path with which Django derives the key; a subclass has its own.
my $TIMESTAMP_SIGNER = 'django.core.signing.TimestampSigner';

# What a block serves unless it brings files of its own.
my $PRIVATE = "private\n";
my @FILES = (
    [ 'media/a.txt',         $PRIVATE ],
    [ 'media/b.txt',         "private b\n" ],
    [ 'media/public/p.txt',  "public\n" ],
    [ 'media/dir/index.html', "private index\n" ],
    [ 'media/dir/x.txt',     "private x\n" ],
    [ 'media/dir/sub/y.txt', "private y\n" ],
    [ 'other/a.txt',         "private other\n" ],
    [ 'open/a.txt',          "open\n" ],
    [ 'denied.html',         "sorry\n" ],
);

# What guards it unless a block brings a configuration of its own.
my $CONFIG = <<'CONFIG';
    location /media/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key id=main;
    }
CONFIG

# A log line that fails any block: nginx's own alarms, a sanitizer's report, a panic.
my @ALARMS = (
    qr/\[alert\]/, qr/AddressSanitizer|LeakSanitizer|runtime error:/, qr/panicked/,
    qr/exited on signal/,
);

# A line of ours, other than the steps of a decision at debug level.
our $Logged = qr/\[(?:info|notice|warn|error|crit)\] .*crossdomain_media:/;

$ENV{TEST_NGINX_HTML_DIR} = html_dir();
$ENV{TEST_NGINX_KEYS_DIR} //= keys_dir();
# Two servers of one nginx talk over a socket file, so no block needs a second port.
$ENV{TEST_NGINX_UPSTREAM} = "unix:$ENV{TEST_NGINX_SERVER_ROOT}/logs/upstream.sock";
# Test::Nginx itself listens at another one: it leaves the file behind, where no nginx can listen after a reload.
my $RAW_SOCKET = "$ENV{TEST_NGINX_SERVER_ROOT}/logs/raw.sock";
$ENV{TEST_NGINX_RAW_UPSTREAM} = "unix:$RAW_SOCKET";

# What nginx has freed does not look as it did: whoever still reads it is found out.
$ENV{MALLOC_PERTURB_} //= 165;

no_root_location();
no_long_string();

# The filter `eval` of a block's section runs in this package.
{
    no strict 'refs';
    *{"Test::Base::Filter::$_"} = \&$_ for @EXPORT;
}

sub keys_dir {
    return $ENV{TEST_NGINX_KEYS_DIR} if $ENV{TEST_NGINX_KEYS_DIR};
    require Cwd;
    return Cwd::getcwd() . '/nginx-test/keys';
}

sub secret {
    my ($file) = @_;
    open my $in, '<:raw', keys_dir() . "/$file" or die "$file: $!";
    local $/;
    my $secret = <$in>;
    $secret =~ s/\n\z//;
    return $secret;
}

sub base62 {
    my ($number) = @_;
    my @digits = (0 .. 9, 'A' .. 'Z', 'a' .. 'z');
    my $text = '';
    do {
        $text = $digits[ $number % 62 ] . $text;
        $number = int($number / 62);
    } while ($number);
    return $text;
}

# A token for PATH as TimestampSigner signs it. Options: key (file in the key folder),
# secret (instead of a file), at (seconds from now), born (instead of a time), alg (sha256, sha1),
# salt.
sub token {
    my ($path, %opt) = @_;
    my ($hash, $hmac) = ($opt{alg} // 'sha256') eq 'sha1'
        ? (\&sha1, \&hmac_sha1) : (\&sha256, \&hmac_sha256);
    my $secret = $opt{secret} // secret($opt{key} // 'main.key');
    my $key = $hash->(($opt{salt} // $TIMESTAMP_SIGNER) . 'signer' . $secret);
    my $born = $opt{born} // base62(time + ($opt{at} // 0));
    my $signature = encode_base64($hmac->("$path:$born", $key), '');
    $signature =~ tr{+/}{-_};
    $signature =~ s/=+\z//;
    return "$born:$signature";
}

sub percent {
    my ($text) = @_;
    $text =~ s/([^A-Za-z0-9_.~-])/sprintf '%%%02X', ord $1/ge;
    return $text;
}

# The argument as Django's urlencode() writes it, the colon escaped.
sub token_arg { 'token=' . percent(token(@_)) }

# A path with its token, ready for a request line.
sub signed { my ($path) = @_; return "$path?" . token_arg(@_) }

# A request whose target goes out byte for byte.
sub raw_get {
    my ($target, @headers) = @_;
    return join "\r\n", "GET $target HTTP/1.1", 'Host: localhost', 'Connection: close', @headers,
        '', '';
}

sub default_value {
    my ($block, $section, $value) = @_;
    $block->set_value($section => $value) unless defined $block->$section;
}

sub curl_speaks_http2 {
    state $speaks = (`curl --version 2>&1` // '') =~ /^Features:.*\bHTTP2\b/m;
    return $speaks;
}

# How many requests a block sends at once; 0 for one that is no list.
sub requests {
    my ($block) = @_;
    my ($list) = grep { ref eq 'ARRAY' } $block->request, $block->pipelined_requests;
    return $list ? scalar @$list : 0;
}

# The same expectation for each request.
sub each_request {
    my ($block, $value) = @_;
    my $requests = requests($block);
    return $requests ? [ ($value) x $requests ] : $value;
}

sub expect {
    my ($block, $status, $body, @headers) = @_;
    default_value($block, error_code => each_request($block, $status));
    unless (grep { defined $block->$_ } qw(response_body response_body_like response_body_unlike)) {
        my $section = defined $body ? 'response_body' : 'response_body_unlike';
        $block->set_value($section => each_request($block, $body // 'private'));
    }
    return if defined $block->response_headers_like;
    my $given = $block->response_headers // each_request($block, '');
    my @merged = map { merge_headers($_, @headers) } ref $given ? @$given : $given;
    $block->set_value(response_headers => ref $given ? \@merged : $merged[0]);
}

# What comes of each reason, unless a block says otherwise. Headers that a block expects are looked at too.
sub expect_reasons {
    my ($block, @reasons) = @_;
    my $requests = requests($block);
    die $block->name, ': ', scalar @reasons, ' reasons for ', $requests || 1, ' requests' if @reasons != ($requests || 1);
    die $block->name, ': response_headers_like would take the place of the reasons' if defined $block->response_headers_like;
    my %status = (valid => 200, no_token => 302, token_incomplete => 302, token_expired => 302);
    my $list = sub { $requests ? [@_] : $_[0] };
    default_value($block, error_code => $list->(map { $status{$_} // 403 } @reasons));
    default_value($block, response_body => $list->(map { $_ eq 'valid' ? $PRIVATE : qr/\A(?!private)/ } @reasons))
        unless defined $block->response_body_like;
    my $given = $block->response_headers // '';
    my @given = ref $given ? @$given : ($given) x @reasons;
    my $index = 0;
    $block->set_value(response_headers => $list->(map { merge_headers($given[ $index++ ], "X-Reason: $_") } @reasons));
}

# What a script is told that would have been redirected: STATUS REASON LOCATION, for each request.
sub expect_unauthorized {
    my ($block, $told) = @_;
    my $requests = requests($block);
    my @told = ref $told ? @$told : $told;
    die $block->name, ': ', scalar @told, ' answers for ', $requests || 1, ' requests' if @told != ($requests || 1);
    die $block->name, ': response_headers_like would take the place of what is told' if defined $block->response_headers_like;
    my $list = sub { $requests ? [@_] : $_[0] };
    default_value($block, error_code => $list->((401) x @told));
    my $given = $block->response_headers // '';
    my @given = ref $given ? @$given : ($given) x @told;
    my @headers;
    for my $index (0 .. $#told) {
        my ($status, undef, $location) = split ' ', $told[$index];
        my $challenge = $status eq 'missing' ? 'Bearer' : 'Bearer error="invalid_token"';
        push @headers, merge_headers($given[$index], "Crossdomain-Media-Location: $location", '! Location',
            "WWW-Authenticate: $challenge", 'Content-Type: application/json', 'Cache-Control: no-store');
    }
    $block->set_value(response_headers => $list->(@headers));
}

# Its body is JSON that says the same; a HEAD has none.
Test::Nginx::Socket::add_response_body_check(sub {
    my ($block, $body, $index, undef, $dry_run) = @_;
    my $told = $block->unauthorized // return;
    return if $dry_run;
    my ($status, $reason, $location) = split ' ', ref $told ? $told->[$index] : $told;
    my $requests = $block->raw_request // $block->pipelined_requests // $block->request;
    my $request = ref $requests ? $requests->[$index] : $requests;
    my $name = $block->name . " - what a script is told (req $index)";
    return Test::More::is($body, '', $name) if (ref $request ? $request->[0] : $request) =~ /\A\s*HEAD /;
    my $data = eval { JSON::PP->new->utf8->decode($body) } // $@;
    Test::More::is_deeply($data, { status => $status, reason => $reason, location => $location }, $name)
        or Test::More::diag($body);
});

# The expected headers of a block win over those that its kind of response has.
sub merge_headers {
    my ($given, @headers) = @_;
    my $name = sub { lc((split /\s*:/, $_[0] =~ s/^!\s*//r)[0]) };
    my @given = grep { /\S/ } split /\n/, $given;
    my %named = map { $name->($_) => 1 } @given;
    return join '', map { "$_\n" } @given, grep { !$named{ $name->($_) } } @headers;
}

add_block_preprocessor(sub {
    my ($block) = @_;

    # TEST_NGINX_ONLY=NAME runs the one block of that name.
    if (defined $ENV{TEST_NGINX_ONLY} && $block->name ne $ENV{TEST_NGINX_ONLY}) {
        $block->set_value(SKIP => 1);
        return;
    }

    # Test::Nginx speaks HTTP/2 through curl, and writes the directive of nginx 1.25.1.
    my $no_http2 = !curl_speaks_http2() ? 'no curl that speaks HTTP/2'
        : ($ENV{TEST_NGINX_VERSION_NUM} // 0) < 1_025_001 ? 'an nginx before 1.25.1' : undef;
    if (defined $block->http2 && $no_http2) {
        SKIP: { Test::More::skip($block->name . " - $no_http2", 1) }
        $block->set_value(SKIP => 1);
        return;
    }

    # --- granted: the private file, and no Referer for what it links to.
    if (defined $block->granted) {
        expect($block, 200, $PRIVATE, 'Referrer-Policy: no-referrer', '! Cache-Control', '! Location');
    }

    # --- refused: STATUS
    if (defined(my $status = $block->refused)) {
        expect($block, $status, undef, 'Cache-Control: no-store', '! Location');
    }

    # --- redirected: LOCATION
    if (defined(my $location = $block->redirected)) {
        expect($block, 302, undef, "Location: $location", 'Cache-Control: no-store',
            'Referrer-Policy: no-referrer');
    }

    # --- unauthorized: STATUS REASON LOCATION, or a list: a 401 that scripts can read.
    if (defined(my $told = $block->unauthorized)) {
        expect_unauthorized($block, $told);
    }

    # --- upstream_gets: the lines of a request, byte for byte, that $TEST_NGINX_RAW_UPSTREAM is sent. It answers with
    # the private file.
    if (defined(my $lines = $block->upstream_gets)) {
        $block->set_value(tcp_listen => $RAW_SOCKET);
        $block->set_value(tcp_query => join "\r\n", @$lines, '', '');
        $block->set_value(tcp_reply => "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n$PRIVATE");
    }

    # --- reasons: one word for each request, which the configuration shows as X-Reason.
    if (defined(my $reasons = $block->reasons)) {
        expect_reasons($block, ref $reasons ? @$reasons : split ' ', $reasons);
    }

    default_value($block, config => $CONFIG);
    default_value($block, user_files => \@FILES);

    # What newer ones do not speak to upstreams by default.
    if (($ENV{TEST_NGINX_VERSION_NUM} // 0) >= 1_029_000) {
        $block->set_value(http_config => 'proxy_http_version 1.0; ' . ($block->http_config // ''));
    }

    my @quiet = (@ALARMS, defined $block->must_die ? () : qr/\[emerg\]/);
    my $silent = $block->no_error_log;
    my @own = !defined $silent ? () : ref $silent eq 'ARRAY' ? @$silent
        : ref $silent ? $silent : grep { length } split /\n/, $silent;
    $block->set_value(no_error_log => [ @own, @quiet ]);
    default_value($block, no_shutdown_error_log => \@quiet);

    if (defined $block->must_die) {
        default_value($block, suppress_stderr => 1);
        # Every configuration error says where.
        my $expected = $block->error_log // '';
        my @expected = ref $expected eq 'ARRAY' ? @$expected
            : ref $expected ? $expected : grep { length } split /\n/, $expected;
        $block->set_value(error_log =>
            [ @expected, qr/\[emerg\] .* in \S+\/nginx\.conf:[1-9][0-9]*$/ ]);
    }

    # TEST_NGINX_GUARD_OFF=1 runs a suite with every guard switched off, to see that it fails.
    if ($ENV{TEST_NGINX_GUARD_OFF}) {
        for my $section (qw(config http_config)) {
            my $text = $block->$section // next;
            $text =~ s/\bcrossdomain_media\s+[^;]+;/crossdomain_media off;/g;
            $block->set_value($section => $text);
        }
    }
});

1;
