# What somebody would try who has some good credentials and wants another file: tables of requests, byte for byte.
# Each file holds its own path, so for whatever is served it is asserted that it is the file that was signed for.
use v5.20;
use warnings;

use Digest::SHA qw(hmac_sha256 hmac_sha256_hex sha256);
use JSON::PP ();
use MIME::Base64 qw(decode_base64 encode_base64url);
use POSIX qw(strftime);
use Test::More;

use lib 't/lib';
use Media;
use Jwt;
use CloudFront;
use Server;

# What somebody has credentials for, and what nobody has.
my $mine   = '/media/mine.txt';
my $folder = '/media/mine/';
my $secret = '/media/secret.txt';

my $is_frozen = length($ENV{TEST_NGINX_FAKETIME} // '');
my $now = $is_frozen ? 1_700_000_000 : time;
$CloudFront::Start = $now;
my $site = $CloudFront::Site;
my $dir = folder();

# The file system, in which names may be as odd as paths.
for my $path ($mine, $secret, '/media/MINE.txt', '/media/mine.txt.', '/media/mine.txt;x', '/media/mine.txt ', '/media/mine txt',
    '/media/mine+txt', '/media/mine.txt%', '/media/mine.txt#x', '/media/mine.txt?x', "/media/mine\n.txt", "/media/\xc3\xa9.txt",
    "/media/\xff.txt", '/media/mine\\a.txt', '/media/%61.txt', '/media/a.txt', '/media/&=.txt', '/media/"\'<>.txt', '/media/*',
    '/media/secret/a.txt', '/media/secret/index.html', '/media/index.html', '/media/mine-too/c.txt', '/media/mine-too/index.html',
    '/secret.txt', '/index.html',
    map { "$folder$_" } 'a.txt', 'index.html', 'secret.txt', 'sub/b.txt', 'sub/index.html', '%2e%2e', '..%2fsecret.txt', '..;/a.txt',
    '.../a.txt', '..\\secret.txt', '%61.txt', "\xc0\xae\xc0\xae/a.txt", "\xef\xbc\x8e\xef\xbc\x8e/a.txt", '*', 'b:c.txt', '.hidden')
{
    write_file("tree$path", "file $path\n");
}
symlink "$dir/tree/media", "$dir/tree/store" or die "symlink: $!";

# Beside the tree that is served.
write_file('outside.txt', "file outside\n");

key_pair($_) for qw(rsa rsa2 ec);
write_file('keys/django', secret('main.key'));
write_file('keys/parent', secret('other.key'));
write_file('keys/hs', key_text('hs.key'));
write_file("keys/$_", key_text("$_.pub.pem")) for qw(rsa ec);

my $public = "crossdomain_media_public_url $site;";
my $guard = <<"GUARD";
        crossdomain_media https://www.example.com;
        crossdomain_media_key keys/django id=django;
        crossdomain_media_key keys/parent id=parent signs=parent;
        crossdomain_media_key keys/hs id=hs format=jwt;
        crossdomain_media_key keys/rsa id=KRSA format=cloudfront;
        $public
        add_header X-Reason \$crossdomain_media_reason always;
GUARD

# Ways to serve the tree. Whatever leads to another location is guarded there.
my %forms = (
    root      => 'location /media/ { root tree; }',
    alias     => "location /media/ { alias $dir/tree/media/; }",
    regex     => "location ~ ^/media/(?<rest>.*)\$ { alias $dir/tree/media/\$rest; }",
    unmerged  => 'merge_slashes off; location /media/ { root tree; }',
    try_files => 'location /media/ { root tree; try_files $uri $uri/index.html =404; }',
    rewrite   => 'location /media/ { root tree; rewrite ^/media/(.*)$ /store/$1 break; }',
    jump      => 'location /media/ { root tree; rewrite ^/media/(.*)$ /store/$1 last; } location /store/ { root tree; }',
    proxy     => "location /media/ { proxy_pass http://unix:$dir/up; }",
    proxy_uri => "location /media/ { proxy_pass http://unix:$dir/up:/store/; }",
    proxy_raw => "location /media/ { proxy_pass http://unix:$dir/up:\$request_uri; }",
);
my @forms = sort keys %forms;

# Where a table needs other keys or sources.
my %policies = (
    sources => 'crossdomain_media_key keys/django; crossdomain_media_token arg:token cookie:media header:X-Token path:~;',
    bearer  => 'crossdomain_media_key keys/hs format=jwt; crossdomain_media_token header:Authorization;',
    django  => 'crossdomain_media_key keys/django max_future=1h;',
    jwt     => 'crossdomain_media_key keys/hs format=jwt id=hs;',
    both    => 'crossdomain_media_key keys/hs format=jwt id=hs; crossdomain_media_key keys/rsa format=jwt id=rsa;'
        . ' crossdomain_media_key keys/ec format=jwt id=ec;',
    cookies => 'crossdomain_media_key keys/rsa format=cloudfront id=KRSA; crossdomain_media_key keys/ec format=cloudfront id=KEC;',
    canned  => 'crossdomain_media_key keys/rsa format=cloudfront id=KRSA policy=canned;',
);

my $servers = join '', map { <<"SERVER" } @forms;
    server {
        listen unix:$dir/$_;
        server_name media.example.org;
        root tree;
$guard
        $forms{$_}
    }
SERVER
# Credentials that are not where they are looked for stay in what is logged.
$servers .= join '', map { <<"SERVER" } sort keys %policies;
    server {
        listen unix:$dir/$_;
        server_name media.example.org;
        root tree;
        @{[ /sources|bearer|cookies/ ? 'access_log off;' : '' ]}
        crossdomain_media https://www.example.com;
        $policies{$_}
        $public
        add_header X-Reason \$crossdomain_media_reason always;
    }
SERVER

my $frozen = frozen(FAKETIME => strftime('%Y-%m-%d %H:%M:%S', gmtime $now));
start(http => <<"HTTP", socket => "$dir/up", env => $frozen);
    large_client_header_buffers 8 128k;
    log_format decided '\$crossdomain_media_reason|\$request|\$request_uri|\$args|\$http_cookie|\$http_x_token|\$http_authorization';
    map \$crossdomain_media_reason \$is_decided { '' 0; default 1; }
    access_log decided.log decided if=\$is_decided;
$servers
    server {
        listen unix:$dir/up;
        root tree;
        access_log upstream.log decided;
    }
HTTP

# Signatures that were sent, none of which a log may show.
my %sent;

# The ends of all that could be one.
sub possible_secrets {
    my ($text) = @_;
    return grep { /[A-Z]/ && /[a-z]/ && /[0-9]/ } $text =~ /([A-Za-z0-9_~-]{20})(?![A-Za-z0-9_~-])/g;
}

sub note_secrets {
    my ($text) = @_;
    $sent{$_}++ for possible_secrets($text);
}

# Names of tests hold no odd byte themselves.
sub printable { return $_[0] =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ger }

sub decode { return $_[0] =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ger }

# As Django's reverse() quotes, which is how paths are signed.
sub reversed {
    my ($path) = @_;
    $path =~ s{([^A-Za-z0-9_.~/:@!\$&'()*+,;=-])}{sprintf '%%%02X', ord $1}ge;
    return $path =~ s{\A//}{/%2F}r;
}

# The file that a path names, where slashes are as in a file system.
sub named {
    my ($path) = @_;
    my $file = decode($path) =~ s{//+}{/}gr;
    return $file =~ m{/\z} ? "${file}index.html" : $file;
}

sub is_there { return -f "$dir/tree$_[0]" }

sub with {
    my ($target, $credential) = @_;
    return $target =~ s/\{\}/$credential/r if $target =~ /\{\}/;
    my $join = $target !~ /\?/ ? '?' : $target =~ /\A[^?]*\?\z/ ? '' : '&';
    return "$target$join$credential";
}

# Status, reason, and the file that was served.
sub outcome {
    my ($answer) = @_;
    return 'no answer' unless defined $answer;
    my ($head, $body) = split /\r\n\r\n/, $answer, 2;
    my ($status) = ($head // '') =~ m{\AHTTP/1\.1 (\d+)};
    my ($reason) = ($head // '') =~ /^X-Reason: ([^\r]+)/m;
    my ($file) = ($body // '') =~ /\Afile (.*)\n\z/s;
    return join ' ', grep { defined } $status // 'nothing', $reason, $file;
}

sub get {
    my ($server, $target, @headers) = @_;
    note_secrets($target);
    return ask("$dir/$server", join "\r\n", "GET $target HTTP/1.1", 'Host: media.example.org', 'Connection: close', @headers, '', '');
}

# What a grant of this path has to be.
sub granted {
    my ($path) = @_;
    my $file = named($path);
    return is_there($file) ? "200 valid $file" : '404 valid';
}

sub refused { return "403 $_[0]" }

# Signs a path as applications do: the path alone, or what is wider.
my %sign = (
    django   => sub { token_arg(reversed($_[0]), born => base62($now)) },
    jwt      => sub { 'token=' . jwt({ path => reversed($_[0]), exp => $now + 60 }) },
    canned   => sub { my ($path, $wire) = @_; cf_query($wire, end => $now + 60) },
    parent   => sub { token_arg(reversed($_[0]) =~ s{/[^/]*\z}{}r, born => base62($now), key => 'other.key') },
    folder   => sub { 'token=' . jwt({ path => reversed($_[0]) =~ s{[^/]*\z}{*}r, exp => $now + 60 }) },
    wildcard => sub { cf_query('/', resource => ($_[2] // '/') . '*', end => $now + 60) },
);
my @exact = qw(django jwt canned);
my @wide  = qw(parent folder wildcard);

# Paths that are signed as they are spelled. What comes of them: "valid" for all; "exact": for what covers the one path
# only, as readers may disagree on the path's segments; "unsafe" for none; "nginx" answers 400 itself.
my @spelled = (
    [ 'a path', $mine, 'valid' ],
    [ 'a folder', $folder, 'valid' ],
    [ 'a file that is not there', '/media/none.txt', 'valid' ],
    [ 'two dots', "${folder}../secret.txt", 'unsafe' ],
    [ 'two dots to the file itself', "${folder}../mine.txt", 'unsafe' ],
    [ 'two dots at the end', "${folder}..", 'unsafe' ],
    [ 'two dots and a slash at the end', "${folder}../", 'unsafe' ],
    [ 'one dot', '/media/./mine.txt', 'unsafe' ],
    [ 'one dot at the end', "${folder}.", 'unsafe' ],
    [ 'one dot and a slash at the end', "${folder}./", 'unsafe' ],
    [ 'one dot in front', '/./media/mine.txt', 'unsafe' ],
    [ 'many dots and slashes', '/media/' . './' x 500 . 'mine.txt', 'unsafe' ],
    [ 'down and up again', "${folder}sub/../../secret.txt", 'unsafe' ],
    [ 'escaped dots', "${folder}%2e%2e/secret.txt", 'unsafe' ],
    [ 'escaped dots in mixed case', "${folder}%2E%2e/secret.txt", 'unsafe' ],
    [ 'a dot and an escaped one', "${folder}.%2e/secret.txt", 'unsafe' ],
    [ 'an escaped dot and one', "${folder}%2e./secret.txt", 'unsafe' ],
    [ 'an escaped dot', "/media/%2e/mine.txt", 'unsafe' ],
    [ 'dots and an escaped slash', "${folder}..%2fsecret.txt", 'unsafe' ],
    [ 'an escaped slash and dots', "${folder}sub%2f../secret.txt", 'unsafe' ],
    [ 'all of it escaped', "${folder}%2e%2e%2fsecret.txt", 'unsafe' ],
    [ 'all of it escaped, in upper case', "${folder}%2E%2E%2Fsecret.txt", 'unsafe' ],
    [ 'a doubled slash and dots', "$folder/../secret.txt", 'unsafe' ],
    [ 'dots and a doubled slash', "${folder}..//secret.txt", 'unsafe' ],
    [ 'dots after a parameter of a segment', "${folder}a.txt;/../secret.txt", 'unsafe' ],
    [ 'a parameter that holds dots', "$mine;x=/../secret.txt", 'unsafe' ],
    [ 'dots with a parameter, which some take for dots', "${folder}..;/a.txt", 'valid' ],
    [ 'three dots', "${folder}.../a.txt", 'valid' ],
    [ 'a hidden file', "${folder}.hidden", 'valid' ],
    [ 'dots and a backslash', "${folder}..\\secret.txt", 'exact' ],
    [ 'dots and an escaped backslash', "${folder}..%5csecret.txt", 'exact' ],
    [ 'backslashes and dots', "${folder}\\..\\..\\secret.txt", 'exact' ],
    [ 'twice escaped dots', "${folder}%252e%252e", 'valid' ],
    [ 'twice escaped dots and slash', "${folder}%252e%252e%252fsecret.txt", 'valid' ],
    [ 'dots and a twice escaped slash', "${folder}..%252fsecret.txt", 'valid' ],
    [ 'an escape made of escapes', "${folder}%25%32%65%25%32%65", 'valid' ],
    [ 'overlong UTF-8: dots of two bytes', "${folder}%c0%ae%c0%ae/a.txt", 'valid' ],
    [ 'overlong UTF-8: dots of two bytes, raw', "${folder}\xc0\xae\xc0\xae/a.txt", 'valid' ],
    [ 'overlong UTF-8: dots of three bytes', "${folder}%e0%80%ae%e0%80%ae/secret.txt", 'valid' ],
    [ 'overlong UTF-8: a slash of two bytes', "/media/mine%c0%afa.txt", 'valid' ],
    [ 'overlong UTF-8: a slash of four bytes', "/media/mine%f0%80%80%afa.txt", 'valid' ],
    [ 'overlong UTF-8: a NUL', "$mine%c0%80.png", 'valid' ],
    [ 'full-width dots', "${folder}%ef%bc%8e%ef%bc%8e/a.txt", 'valid' ],
    [ 'a full-width slash', "/media/mine%ef%bc%8fa.txt", 'valid' ],
    [ 'a division slash', "/media/mine%e2%88%95a.txt", 'valid' ],
    [ 'a soft hyphen', "/media/mi%c2%adne.txt", 'valid' ],
    [ 'an escape of %u', "${folder}%u002e%u002e/secret.txt", 'nginx' ],
    [ 'a doubled slash', '/media//mine.txt', 'exact' ],
    [ 'a doubled slash in a folder', "$folder/a.txt", 'exact' ],
    [ 'slashes at the end', "$folder//", 'exact' ],
    [ 'a doubled slash in front', '//media/mine.txt', 'exact' ],
    [ 'three slashes in front', '///media/mine.txt', 'exact' ],
    [ 'a host in front', '//evil.example/media/mine.txt', 'exact' ],
    [ 'a thousand slashes', '/media' . '/' x 1000 . 'mine.txt', 'exact' ],
    [ 'an escaped slash', '/media/mine%2fa.txt', 'exact' ],
    [ 'an escaped slash in upper case', '/media/mine%2Fsub%2Fb.txt', 'exact' ],
    [ 'an escaped slash before the location', '/media%2fmine.txt', 'exact' ],
    [ 'an escaped slash in front', '/%2fmedia/mine.txt', 'exact' ],
    [ 'a slash and an escaped one', '/media/mine/%2fa.txt', 'exact' ],
    [ 'a slash behind a file', "$mine/", 'valid' ],
    [ 'an escaped slash behind a file', "$mine%2f", 'exact' ],
    [ 'more behind a file', "$mine/secret.txt", 'valid' ],
    [ 'a backslash', '/media/mine\\a.txt', 'exact' ],
    [ 'an escaped backslash', '/media/mine%5Ca.txt', 'exact' ],
    [ 'a backslash for the first slash', '/media\\mine.txt', 'exact' ],
    [ 'a semicolon', "$mine;x", 'valid' ],
    [ 'an escaped semicolon', "$mine%3bx", 'valid' ],
    [ 'an escaped number sign', "$mine%23x", 'valid' ],
    [ 'an escaped question mark', "$mine%3fx", 'valid' ],
    [ 'an escaped question mark and a query', "$mine%3Fx?x=1", 'valid' ],
    [ 'an escaped percent sign', "$mine%25", 'valid' ],
    [ 'an escaped ampersand and equals sign', '/media/%26%3d.txt', 'valid' ],
    [ 'quotes and angle brackets', '/media/%22%27%3c%3e.txt', 'valid' ],
    [ 'a file whose name is an asterisk', '/media/*', 'valid' ],
    [ 'a colon', "${folder}b:c.txt", 'valid' ],
    [ 'a NUL', "$mine%00", 'nginx' ],
    [ 'a NUL before an extension', "$mine%00.png", 'nginx' ],
    [ 'a NUL and dots', "/media/%00/../mine.txt", 'nginx' ],
    [ 'a raw NUL', "$mine\0.png", 'nginx' ],
    [ 'an escaped line feed', '/media/mine%0a.txt', 'valid' ],
    [ 'escaped line breaks and a header', '/media/mine%0d%0aX-Injected:%20yes', 'valid' ],
    [ 'a raw control byte', "/media/mine\x01.txt", 'nginx' ],
    [ 'a raw tabulator', "/media/mine\t.txt", 'nginx' ],
    [ 'a raw DEL', "/media/mine\x7f.txt", 'nginx' ],
    [ 'a raw space', '/media/mine txt', 'nginx' ],
    [ 'an escaped space', '/media/mine%20txt', 'valid' ],
    [ 'a plus, which is no space', '/media/mine+txt', 'valid' ],
    [ 'an escaped space at the end', "$mine%20", 'valid' ],
    [ 'a dot at the end', "$mine.", 'valid' ],
    [ 'an escaped dot at the end', "$mine%2e", 'valid' ],
    [ 'a stream of another file system', "$mine\::\$DATA", 'valid' ],
    [ 'upper case', '/media/MINE.txt', 'valid' ],
    [ 'an escape in lower case', '/media/%c3%a9.txt', 'valid' ],
    [ 'an escape in upper case', '/media/%C3%A9.txt', 'valid' ],
    [ 'an escape in mixed case', '/media/%c3%A9.txt', 'valid' ],
    [ 'a raw letter of two bytes', "/media/\xc3\xa9.txt", 'valid' ],
    [ 'a letter in two code points', '/media/e%cc%81.txt', 'valid' ],
    [ 'a byte that is no UTF-8', '/media/%ff.txt', 'valid' ],
    [ 'a raw byte that is no UTF-8', "/media/\xff.txt", 'valid' ],
    [ 'escapes of letters', '/%6d%65dia/%6Dine%2Etxt', 'valid' ],
    [ 'an escape that is a name', '/media/%2561.txt', 'valid' ],
    [ 'an escape that is another name', '/media/%61.txt', 'valid' ],
    [ 'a percent sign', '/media/%', 'nginx' ],
    [ 'half of an escape', '/media/mine%2', 'nginx' ],
    [ 'an escape in no digits', '/media/%g1.txt', 'nginx' ],
    [ 'an escape of an escape', '/media/%%36%31.txt', 'nginx' ],
    [ 'a name of 2,000 bytes', '/media/' . 'a' x 2000, 'valid' ],
    [ 'a name of 2,000 escapes', '/media/' . '%61' x 2000, 'valid' ],
    [ 'a thousand folders', '/media' . '/a' x 1000, 'valid' ],
    [ 'a path that leaves the root', '/../outside.txt', 'nginx' ],
    [ 'an escaped path that leaves the root', '/media/%2e%2e/%2e%2e/outside.txt', 'nginx' ],
    [ 'a path that leaves the folder of an alias', '/media../outside.txt', 'valid' ],
    [ 'a query that holds dots', "$mine?x=/../secret.txt", 'valid' ],
    [ 'a query that is a path', "$mine?/media/secret.txt", 'valid' ],
    [ 'two question marks', "$mine??", 'valid' ],
    [ 'an empty query', "$mine?", 'valid' ],
    [ 'a raw number sign', "$mine#x", 'unsafe' ],
    [ 'a raw number sign before dots', "$mine#/../secret.txt", 'unsafe' ],
    [ 'a raw number sign in the query', "$mine?x#y", 'unsafe' ],
);

sub expect {
    my ($row, $is_wide) = @_;
    my ($what, $target, $comes) = @$row;
    return '400' if $comes eq 'nginx';
    return refused('unsafe_path') if $comes eq 'unsafe' || ($is_wide && $comes eq 'exact');
    return granted($target =~ s/\?.*//sr);
}

sub over_forms {
    my ($target, $what, $expected) = @_;
    my %got = map { $_ => outcome(get($_, $target)) } @forms;
    is_deeply \%got, { map { $_ => $expected } @forms }, $what or diag substr($target, 0, 200);
}

for my $row (@spelled) {
    my ($what, $target) = @$row;
    my $path = decode($target =~ s/[?].*//sr);
    # An empty query is none.
    my $wire = $target =~ s/\A([^?]*)\?\z/$1/r;
    for my $kind (@exact, @wide) {
        my $is_wide = grep { $_ eq $kind } @wide;
        my $query = $sign{$kind}->($path, $wire);
        # nginx cuts a query off there, and with it the credential.
        my $sent = $target =~ /\A([^#?]*)#(.*)\z/s ? "$1?$query#$2" : $target =~ /\A([^?]*\?)(.*#.*)\z/s ? "$1$query&$2" : with($target, $query);
        over_forms($sent, "$what, signed so: $kind", expect($row, $is_wide));
    }
}


# What one credential for one file is good for, when the target is spelled otherwise. What comes of it: "same" file for
# those who sign what a path means, and another URL for those who sign what is sent; "valid" for all; "other";
# "ambiguous" is another one too, and no folder's, as one of Django's keys signs; "unsafe", "nginx".
my @held = (
    [ 'another file', $secret, 'other' ],
    [ 'the folder of the file', '/media/', 'other' ],
    [ 'the root', '/', 'other' ],
    [ 'the beginning of a name', '/media/mine.tx', 'other' ],
    [ 'a longer name', '/media/mine.txtx', 'other' ],
    [ 'another case', '/media/MINE.txt', 'other' ],
    [ 'another case of the folder', '/Media/mine.txt', 'other' ],
    [ 'a dot at the end', "$mine.", 'other' ],
    [ 'a space at the end', "$mine%20", 'other' ],
    [ 'a line feed at the end', "$mine%0a", 'other' ],
    [ 'a slash at the end', "$mine/", 'other' ],
    [ 'a parameter of the segment', "$mine;x", 'other' ],
    [ 'a doubled slash', '/media//mine.txt', 'ambiguous' ],
    [ 'a doubled slash in front', '//media/mine.txt', 'ambiguous' ],
    [ 'a backslash', '/media\\mine.txt', 'ambiguous' ],
    [ 'an escaped letter', '/media/%6dine.txt', 'same' ],
    [ 'an escaped letter in mixed case', '/media/%6Dine.txt', 'same' ],
    [ 'all letters escaped', '/%6d%65%64%69%61/%6d%69%6e%65%2e%74%78%74', 'same' ],
    [ 'an escaped dot', '/media/mine%2Etxt', 'same' ],
    [ 'an escaped slash', '/media%2fmine.txt', 'same' ],
    [ 'a letter escaped twice', '/media/%256dine.txt', 'other' ],
    [ 'a slash escaped twice', '/media%252fmine.txt', 'other' ],
    [ 'a query', "$mine?x=1", 'same' ],
    [ 'a query that is the path', "$secret?$mine", 'other' ],
    [ 'a query that names a path', "$mine?path=$secret", 'same' ],
    [ 'a raw question mark behind another file', "$secret?x=$mine", 'other' ],
    [ 'an escaped question mark behind another file', "$secret%3f$mine", 'other' ],
    [ 'a number sign behind another file', "$secret#$mine?{}", 'unsafe' ],
    [ 'a number sign behind the credential', "$secret?{}#$mine", 'unsafe' ],
    [ 'a number sign and dots', "$mine?{}#/../secret.txt", 'unsafe' ],
    [ 'a number sign that is escaped', "$secret%23$mine", 'other' ],
    [ 'dots behind the file', "$mine/../secret.txt", 'unsafe' ],
    [ 'dots before the file', "/media/secret/../mine.txt", 'unsafe' ],
    [ 'escaped dots and slashes behind the file', "$mine%2f..%2fsecret.txt", 'unsafe' ],
    [ 'a parameter and dots behind the file', "$mine;/../secret.txt", 'unsafe' ],
    [ 'a NUL behind the file', "$mine%00/../secret.txt", 'nginx' ],
    [ 'a NUL behind another file', "$secret%00$mine", 'nginx' ],
    [ 'line breaks behind another file', "$secret%0d%0a$mine", 'other' ],
    [ 'absolute form', "$site$mine", 'valid' ],
    [ 'absolute form of another file', "$site$secret", 'other' ],
    [ 'absolute form with dots', "$site$mine/../secret.txt", 'unsafe' ],
    [ 'absolute form with an escaped letter', "$site/media/%6dine.txt", 'same' ],
    [ 'absolute form in upper case', "HTTPS://MEDIA.EXAMPLE.ORG$mine", 'valid' ],
    [ 'absolute form with another host', "https://evil.example$mine", 'valid' ],
    [ 'absolute form with another host and another file', "https://evil.example$secret", 'other' ],
    [ 'absolute form with a port', "$site:443$mine", 'valid' ],
    [ 'absolute form with the file as a host', "http:/$mine$secret", 'other' ],
    [ 'absolute form with a number sign', "$site$secret#$mine?{}", 'unsafe' ],
    [ 'absolute form without a path', $site, 'other' ],
    [ 'absolute form within a path', "/$site$mine", 'ambiguous' ],
    [ 'absolute form with a user', "https://media.example.org\@evil.example$mine", 'nginx' ],
    [ 'asterisk form', '*', 'nginx' ],
    [ 'authority form', 'media.example.org:80', 'nginx' ],
    [ 'no slash in front', 'media/mine.txt', 'nginx' ],
);
my %other = (django => 'bad_signature', jwt => 'wrong_path', canned => 'bad_signature');
for my $row (@held) {
    my ($what, $target, $comes) = @$row;
    for my $kind (@exact) {
        my $expected = $comes eq 'nginx' ? '400'
            : $comes eq 'unsafe' ? refused('unsafe_path')
            : $comes eq 'ambiguous' && $kind eq 'django' ? refused('unsafe_path')
            : $comes =~ /other|ambiguous/ || ($comes eq 'same' && $kind eq 'canned') ? refused($other{$kind})
            : granted($mine);
        over_forms(with($target, $sign{$kind}->($mine, $mine)), "$what, with a credential for one file: $kind", $expected);
    }
}

# The same of a folder, for each of the three that cover one. A Django token is for the folder's own files.
my ($bad, $wrong) = map { refused($_) } qw(bad_signature wrong_path);
my $unsafe = refused('unsafe_path');
my @in_folder = (
    [ 'a file', "${folder}a.txt", 'valid' ],
    [ 'the folder', $folder, 'valid' ],
    [ 'the folder without its slash', '/media/mine', 'other' ],
    [ 'a folder of its own', "${folder}sub/b.txt", $bad, ('200 valid ' . $folder . 'sub/b.txt') x 2 ],
    [ 'a folder with a longer name', '/media/mine-too/c.txt', 'other' ],
    [ 'a file with the name of the folder', $mine, 'other' ],
    [ 'the folder above', '/media/', 'other' ],
    [ 'another file', $secret, 'other' ],
    [ 'dots', "${folder}../secret.txt", 'unsafe' ],
    [ 'dots and back', "${folder}../mine/a.txt", 'unsafe' ],
    [ 'dots from elsewhere', '/media/secret/../mine/a.txt', 'unsafe' ],
    [ 'escaped dots', "${folder}%2e%2e/secret.txt", 'unsafe' ],
    [ 'escaped dots and slash', "${folder}%2e%2e%2fsecret.txt", 'unsafe' ],
    [ 'an escaped slash', "/media/mine%2fa.txt", $unsafe, $unsafe, $wrong ],
    [ 'an escaped slash in a name', "${folder}sub%2fb.txt", 'unsafe' ],
    [ 'an escaped slash in front of a name', "${folder}%2fa.txt", 'unsafe' ],
    [ 'an escaped slash from elsewhere', "/media%2fmine/a.txt", $unsafe, $unsafe, $wrong ],
    [ 'a doubled slash', "$folder/a.txt", 'unsafe' ],
    [ 'a doubled slash in front of the folder', '/media//mine/a.txt', $unsafe, $wrong, $wrong ],
    [ 'a backslash', "${folder}sub\\b.txt", 'unsafe' ],
    [ 'a backslash and dots', "${folder}..\\secret.txt", 'unsafe' ],
    [ 'an escaped backslash and dots', "${folder}sub%5c..%5c..%5csecret.txt", 'unsafe' ],
    [ 'dots with a parameter', "${folder}..;/secret.txt", $bad, '404 valid', '404 valid' ],
    [ 'dots escaped twice', "${folder}%252e%252e/secret.txt", $bad, '404 valid', '404 valid' ],
    [ 'dots escaped twice, with a slash', "${folder}%252e%252e%252fsecret.txt", 'valid' ],
    [ 'overlong dots', "${folder}%c0%ae%c0%ae/secret.txt", $bad, '404 valid', '404 valid' ],
    [ 'an escaped letter of the folder', '/media/%6dine/a.txt', ('200 valid ' . $folder . 'a.txt') x 2, $wrong ],
    [ 'an escaped letter of the file', "${folder}%61.txt", 'valid' ],
    [ 'another case of the folder', '/media/MINE/a.txt', 'other' ],
    [ 'a number sign', "${folder}a.txt#/../../secret.txt?{}", 'unsafe' ],
    [ 'a number sign behind another file', "$secret?{}#$folder", 'unsafe' ],
    [ 'a NUL', "${folder}%00/../../secret.txt", 'nginx' ],
    [ 'the folder in the query', "$secret?$folder", 'other' ],
    [ 'a question mark that is escaped', "${folder}%3f/../../secret.txt", 'unsafe' ],
    [ 'absolute form', "$site${folder}a.txt", 'valid' ],
    [ 'absolute form with dots', "$site${folder}../secret.txt", 'unsafe' ],
    [ 'absolute form with the folder as a host', "http:/$folder/../secret.txt", 'unsafe' ],
    [ 'an asterisk', "${folder}*", 'valid' ],
    [ 'an asterisk for the folder', '/media/*/a.txt', 'other' ],
);
for my $row (@in_folder) {
    my ($what, $target, @comes) = @$row;
    my %expected;
    @expected{@wide} = @comes == 3 ? @comes : map {
        $comes[0] eq 'nginx' ? '400' : $comes[0] eq 'unsafe' ? $unsafe
            : $comes[0] eq 'valid' ? granted($target =~ s/\A\Q$site\E//r) : $_ eq 'parent' ? $bad : $wrong
    } @wide;
    over_forms(with($target, $sign{$_}->("${folder}x", undef, $folder)), "$what, with a credential for a folder: $_", $expected{$_}) for @wide;
}

# Headers and queries, with the sources arg:token cookie:media header:X-Token path:~ unless a row names another server.
my $good   = token($mine, born => base62($now));
my $forged = base62($now) . ':' . 'A' x 43;
my $bearer = jwt({ path => $mine, exp => $now + 60 });
my $arg    = 'token=' . percent($good);
my ($ok, $none, $twice, $empty, $bad_form) = ("200 valid $mine", '302 no_token', map { refused($_) } qw(token_repeated token_empty token_malformed));

sub request {
    my ($target, @headers) = @_;
    return join "\r\n", "GET $target HTTP/1.1", 'Host: media.example.org', 'Connection: close', @headers, '', '';
}

sub post {
    my ($target, $body, @headers) = @_;
    return request($target, @headers) =~ s/\AGET/POST/r . $body;
}

my $smuggled = request($secret) =~ s/Connection: close\r\n//r;
my $next = request("$mine?$arg") =~ s/Connection: close\r\n//r;
my $long = 'x' x 65_536;
# Newer ones know what a Host and CONNECT have to look like.
my $is_strict = $ENV{TEST_NGINX_VERSION_NUM} >= 1_029_000;
# No other file, no other place to go, no header of the viewer's.
my $anything_else = qr{^file (?!\Q$mine\E$)|^Location: (?!https://www\.example\.com/)|^X-Injected}m;
my @headers = (
    [ 'no credential', request($mine), $none ],
    [ 'an argument', request("$mine?$arg"), $ok ],
    [ 'a cookie', request($mine, "Cookie: media=$good"), $ok ],
    [ 'a header', request($mine, "X-Token: $good"), $ok ],
    [ 'a segment', request("/~$good$mine"), $ok ],

    # Queries.
    [ 'the argument twice', request("$mine?$arg&$arg"), $twice ],
    [ 'the argument twice, the second forged', request("$mine?$arg&token=$forged"), $twice ],
    [ 'the argument twice, the first forged', request("$mine?token=$forged&$arg"), $twice ],
    [ 'the argument twice, the second empty', request("$mine?$arg&token="), $twice ],
    [ 'the argument twice, the first without a value', request("$mine?token&$arg"), $twice ],
    [ 'the argument twice, once with an escaped name', request("$mine?t%6fken=$forged&$arg"), $twice ],
    [ 'the argument twice, once with an escaped name behind', request("$mine?$arg&%74%6F%6B%65%6E=$forged"), $twice ],
    [ 'the argument a thousand times', request("$mine?" . join '&', ($arg) x 500), $twice ],
    [ 'an escaped name', request("$mine?%74oken=" . percent($good)), $ok ],
    [ 'a name that is escaped twice', request("$mine?%2574oken=" . percent($good)), $none ],
    [ 'another case', request("$mine?Token=" . percent($good)), $none ],
    [ 'brackets behind the name', request("$mine?token[]=" . percent($good)), $none ],
    [ 'a NUL behind the name', request("$mine?token%00=" . percent($good)), $none ],
    [ 'a space behind the name', request("$mine?token%20=" . percent($good)), $none ],
    [ 'a plus before the name', request("$mine?+$arg"), $none ],
    [ 'a name in full-width letters', request("$mine?%ef%bd%94oken=" . percent($good)), $none ],
    [ 'a semicolon is no separator', request("$mine?x=1;$arg"), $none ],
    [ 'a semicolon behind the value', request("$mine?$arg;x=1"), $bad_form ],
    [ 'a second question mark behind the value', request("$mine?$arg?x=1"), $bad_form ],
    [ 'a second question mark before the name', request("$mine??$arg"), $none ],
    [ 'empty pairs', request("$mine?&&$arg&&"), $ok ],
    [ 'sixty thousand empty pairs', request("$mine?" . '&' x 60_000 . $arg), $ok ],
    [ 'two equals signs', request("$mine?token==" . percent($good)), $bad_form ],
    [ 'an empty value', request("$mine?token="), $empty ],
    [ 'no value', request("$mine?token"), $empty ],
    [ 'a space before the value', request("$mine?token=%20" . percent($good)), $bad_form ],
    [ 'a plus behind the value', request("$mine?$arg+"), $bad_form ],
    [ 'a line feed behind the value', request("$mine?$arg%0a"), $bad_form ],
    [ 'a NUL behind the value', request("$mine?$arg%00"), $bad_form ],
    [ 'a value that is escaped twice', request("$mine?token=" . percent(percent($good))), $bad_form ],
    [ 'a value whose every byte is escaped', request("$mine?token=" . $good =~ s/(.)/sprintf '%%%02x', ord $1/ger), $ok ],
    [ 'half an escape behind the value', request("$mine?$arg%2"), $bad_form ],
    [ 'an argument of 64 KiB', request("$mine?token=$long"), $bad_form ],
    [ 'an argument of 64 KiB beside', request("$mine?x=$long&$arg"), $ok ],
    [ 'a name of 64 KiB', request("$mine?$long=1&$arg"), $ok ],
    [ 'an argument of 64 KiB of escapes', request("$mine?token=" . '%41' x 21_000), $bad_form ],
    [ 'a request line that is too long', request("$mine?x=$long$long$long"), '414' ],

    # Cookies.
    [ 'a cookie among others', request($mine, "Cookie: a=b; media=$good; c=d"), $ok ],
    [ 'no space between cookies', request($mine, "Cookie: a=b;media=$good;c=d"), $ok ],
    [ 'a comma is no separator', request($mine, "Cookie: a=b,media=$good"), $none ],
    [ 'another case of the cookie', request($mine, "Cookie: MEDIA=$good"), $none ],
    [ 'a cookie whose name ends so', request($mine, "Cookie: xmedia=$good"), $none ],
    [ 'a cookie within the value of another one', request($mine, "Cookie: a=media=$good"), $none ],
    [ 'a cookie with an escaped name', request($mine, "Cookie: %6dedia=$good"), $none ],
    [ 'an empty cookie', request($mine, 'Cookie: media='), $empty ],
    [ 'an empty cookie before the good one', request($mine, "Cookie: media=; media=$good"), $ok ],
    [ 'a cookie without a value', request($mine, 'Cookie: media'), $none ],
    [ 'a forged cookie before the good one', request($mine, "Cookie: media=$forged; media=$good"), $ok ],
    [ 'forged cookies hide the good one', request($mine, 'Cookie: ' . "media=$forged; " x 4 . "media=$good"), refused('bad_signature') ],
    [ 'a thousand forged cookies', request($mine, 'Cookie: ' . join '; ', ("media=$forged") x 1000), refused('bad_signature') ],
    [ 'a thousand other cookies', request($mine, 'Cookie: ' . join('; ', map { "a$_=b" } 1 .. 1000) . "; media=$good"), $ok ],
    [ 'a hundred Cookie lines', request($mine, (map { "Cookie: a$_=b" } 1 .. 99), "Cookie: media=$good"), $ok ],
    [ 'a cookie of 64 KiB', request($mine, "Cookie: media=$long"), $bad_form ],
    [ 'a cookie of 64 KiB beside', request($mine, "Cookie: a=$long; media=$good"), $ok ],
    [ 'a Cookie line of semicolons', request($mine, 'Cookie: ' . ';' x 60_000 . "media=$good"), $ok ],
    [ 'a Cookie line of equals signs', request($mine, 'Cookie: ' . '=' x 60_000), $none ],
    [ 'a Cookie line that is too long', request($mine, "Cookie: $long$long$long"), '400' ],
    [ 'line breaks in a cookie', request($mine, "Cookie: media=$forged%0d%0aX-Token: $good"), $bad_form ],

    # Headers.
    [ 'the header twice', request($mine, "X-Token: $good", "X-Token: $good"), $twice ],
    [ 'the header twice, once empty', request($mine, "X-Token: $good", 'X-Token:'), $twice ],
    [ 'the header in another case', request($mine, "x-tOKEN: $good"), $ok ],
    [ 'the header with an underscore', request($mine, "X_Token: $good"), $none ],
    [ 'a space before the colon', request($mine, "X-Token : $good"), '400' ],
    [ 'two tokens in one header', request($mine, "X-Token: $good, $good"), $none ],
    [ 'a token in quotes', request($mine, "X-Token: \"$good\""), $bad_form ],
    [ 'a header that ends in a line feed only', request($mine, "X-Token: $good\nX-Other: y"), $ok ],
    [ 'a header that is folded', request($mine, 'X-Token: ' . substr($good, 0, 9), ' ' . substr $good, 9), '400' ],
    [ 'a header that is folded with a tabulator', request($mine, 'X-Token:', "\t$good"), '400' ],
    [ 'a NUL in a header', request($mine, "X-Token: $good\0"), '400' ],
    [ 'a header of 64 KiB', request($mine, "X-Token: $long"), $bad_form ],
    [ 'a thousand headers', request($mine, (map { "X-H$_: y" } 1 .. 900), "X-Token: $good"), $ok ],
    [ 'a segment and an argument', request("/~$good$mine?$arg"), $ok ],
    [ 'a segment twice', request("/~$good/~$good$mine"), $twice ],
    [ 'a segment with dots', request("/~../~$good$secret"), $twice ],
    [ 'a segment that is escaped twice', request("/~" . percent(percent($good)) . $mine), $bad_form ],
    [ 'a segment with another file', request("/~$good$secret"), refused('bad_signature') ],
    [ 'a forged argument before a good cookie', request("$mine?token=$forged", "Cookie: media=$good"), $ok ],
    [ 'a good argument, and others forged', request("$mine?$arg", "Cookie: media=$forged", "X-Token: $forged"), $ok ],
    [ 'a credential in a Referer', request($mine, "Referer: $site$mine?$arg"), $none ],
    [ 'a credential in a header that is no source', request($mine, "Authorization: Bearer $good"), $none ],
    [ 'a Bearer', request($mine, "Authorization: Bearer $bearer"), $ok, 'bearer' ],
    [ 'a bearer in lower case', request($mine, "Authorization: bearer $bearer"), $ok, 'bearer' ],
    [ 'a Bearer and no space', request($mine, "Authorization: Bearer$bearer"), $bad_form, 'bearer' ],
    [ 'another scheme', request($mine, "Authorization: Basic $bearer"), $none, 'bearer' ],
    [ 'two schemes', request($mine, "Authorization: Basic Bearer $bearer"), $none, 'bearer' ],
    [ 'two Bearers', request($mine, "Authorization: Bearer $bearer, Bearer $bearer"), $bad_form, 'bearer' ],
    [ 'a Bearer twice', request($mine, ("Authorization: Bearer $bearer") x 2), '400', 'bearer' ],
    [ 'a proxy that says what the URL was', request($secret, "X-Original-URL: $mine", "X-Rewrite-URL: $mine", "X-Token: $good"), refused('bad_signature') ],
    [ 'a proxy that says what the URI is', request($mine, "X-Accel-Redirect: $secret", "X-Token: $good"), $ok ],
    [ 'a subrequest that is none', request($secret, 'X-Original-URI: /', 'X-Forwarded-Prefix: /public', 'X-Sendfile: off'), $none ],

    # Hosts and requests.
    [ 'two Hosts', request("$mine?$arg", 'Host: evil.example'), '400' ],
    [ 'another Host', request("$mine?$arg") =~ s/Host: \S+/Host: evil.example/r, $ok ],
    [ 'a Host with a path', request("$mine?$arg") =~ s/Host: \S+/Host: media.example.org\/..\/x/r, '400' ],
    [ 'a Host with a user', request($mine) =~ s/Host: \S+/Host: media.example.org\@evil.example/r, $is_strict ? '400' : $none ],
    [ 'a Host with a dot at its end', request("$mine?$arg") =~ s/Host: \S+/Host: media.example.org./r, $ok ],
    [ 'no Host', request("$mine?$arg") =~ s/Host: \S+\r\n//r, '400' ],
    [ 'no Host, and a host in the target', request("$site$mine?$arg") =~ s/Host: \S+\r\n//r, '400' ],
    [ 'HTTP/1.0 without a Host', request("$mine?$arg") =~ s/1\.1\r\nHost: \S+/1.0/r, $ok ],
    [ 'HTTP/1.0 without a credential', request($mine) =~ s/1\.1/1.0/r, $none ],
    [ 'HTTP/0.9', "GET $secret\r\n", 'nothing' ],
    [ 'HTTP/2.0 in a line', request("$mine?$arg") =~ s/1\.1/2.0/r, '505' ],
    [ 'HTTP/1.10', request($mine) =~ s/1\.1/1.10/r, $none ],
    [ 'a method in lower case', request("$mine?$arg") =~ s/\AGET/get/r, '400' ],
    [ 'an unknown method', request($mine) =~ s/\AGET/FETCH/r, $none ],
    [ 'an unknown method with a credential', request("$mine?$arg") =~ s/\AGET/FETCH/r, '405 valid' ],
    [ 'HEAD without a credential', request($mine) =~ s/\AGET/HEAD/r, $none ],
    [ 'POST without a credential', post($mine, '', 'Content-Length: 0'), $none ],
    [ 'another method in a header', request($mine, 'X-HTTP-Method-Override: HEAD', 'X-Method-Override: OPTIONS'), $none ],
    [ 'OPTIONS', request($mine) =~ s/\AGET/OPTIONS/r, $none ],
    [ 'TRACE', request("$mine?$arg") =~ s/\AGET/TRACE/r, '405' ],
    [ 'CONNECT', request("$mine?$arg") =~ s/\AGET/CONNECT/r, $is_strict ? '400' : '405' ],
    [ 'PUT with a credential', request("$mine?$arg", 'Content-Length: 0') =~ s/\AGET/PUT/r, '405 valid' ],
    [ 'what is not modified', request($mine, 'If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT', 'If-None-Match: *'), $none ],
    [ 'what is not modified, with a forged credential', request("$mine?token=$forged", 'If-None-Match: *'), refused('bad_signature') ],
    [ 'a range', request($mine, 'Range: bytes=0-3'), $none ],
    [ 'a range, with a forged credential', request("$mine?token=$forged", 'Range: bytes=0-3'), refused('bad_signature') ],
    [ 'a precondition', request($mine, 'If-Match: "x"', 'If-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT'), $none ],
    [ 'an upgrade', request($mine, 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA'), $none ],
    [ 'empty lines in front', "\r\n\r\n" . request("$mine?$arg"), $ok ],
    [ 'spaces in the line', request("$mine?$arg") =~ s/GET /GET   /r, $ok ],
    [ 'a word in the line', request("$mine?$arg") =~ s/ HTTP/ x HTTP/r, '400' ],

    # Requests behind and within requests.
    [ 'a request behind another one', request("$mine?$arg") =~ s/Connection: close\r\n//r . request($secret), "$ok, $none" ],
    [ 'a grant behind a refusal', $smuggled . request("$mine?$arg"), "$none, $ok" ],
    [ 'a credential of the request before', $next . $next . request($mine), "$ok, $ok, $none" ],
    [ 'a request as a body', post("$mine?$arg", $smuggled, 'Content-Length: ' . length $smuggled), '405 valid' ],
    [ 'a request in chunks', post("$mine?$arg", sprintf("%x\r\n%s\r\n0\r\n\r\n", length $smuggled, $smuggled), 'Transfer-Encoding: chunked'), '405 valid' ],
    [ 'two lengths', post("$mine?$arg", $smuggled, 'Content-Length: 0', 'Content-Length: 9'), '400' ],
    [ 'a length and chunks', post("$mine?$arg", "0\r\n\r\n$smuggled", 'Content-Length: 5', 'Transfer-Encoding: chunked'), '400' ],
    [ 'an unknown encoding', post("$mine?$arg", $smuggled, 'Transfer-Encoding: xchunked'), '501' ],
    [ 'an encoding twice', post("$mine?$arg", "0\r\n\r\n", ('Transfer-Encoding: chunked') x 2), '400' ],
    [ 'an encoding with a tabulator', post("$mine?$arg", "0\r\n\r\n", "Transfer-Encoding:\tchunked"), '501' ],
    [ 'two encodings', post("$mine?$arg", "0\r\n\r\n", 'Transfer-Encoding: gzip, chunked'), '501' ],
    [ 'an encoding in HTTP/1.0', post("$mine?$arg", "0\r\n\r\n", 'Transfer-Encoding: chunked') =~ s/1\.1/1.0/r, '400' ],
    [ 'a negative length', post("$mine?$arg", $smuggled, 'Content-Length: -1'), '400' ],
    [ 'a length with a sign', post("$mine?$arg", $smuggled, 'Content-Length: +1'), '400' ],
    [ 'a length that overflows', post("$mine?$arg", $smuggled, 'Content-Length: 99999999999999999999'), '400' ],
    [ 'a chunk that overflows', post("$mine?$arg", "fffffffffffffffff\r\n$smuggled", 'Transfer-Encoding: chunked'), '405 valid' ],
    [ 'a request that is sent on, in chunks', post($secret, sprintf("%x\r\n%s\r\n0\r\n\r\n", length $next, $next), 'Transfer-Encoding: chunked'), '302 no_token', 'proxy' ],
    [ 'a request as a body, sent on', post("$mine?" . $sign{django}->($mine), $smuggled, 'Content-Length: ' . length $smuggled), '405 valid', 'proxy' ],
);
for my $row (@headers) {
    my ($what, $bytes, $expected, $server) = @$row;
    my $answer = ask("$dir/" . ($server // 'sources'), $bytes) // '';
    my $got = join ', ', map { outcome($_) } length $answer ? split(m{(?=HTTP/1\.1 \d)}, $answer) : '';
    is $got, $expected, "request: $what";
    unlike $answer, $anything_else, "request: $what: nothing else";
}

# Django's tokens. A row may say which path is asked for.
sub django { my ($path, $born, %opt) = @_; return token($path, born => $born, %opt) }

# The signature of any text.
sub django_signature {
    my ($text, $key) = @_;
    return encode_base64url(hmac_sha256($text, $key // sha256('django.core.signing.TimestampSignersigner' . secret('main.key'))));
}

my $at = base62($now);
my ($born, $signature) = split /:/, $good;
# Until a signature has both letters that the two alphabets have otherwise.
my $dashed = $now;
$dashed-- until django($mine, base62($dashed)) =~ /:(?=.*-).*_/;
my $lettered = django($mine, base62($dashed));
my $next_letter = substr($signature, -1) =~ tr{A-Za-z0-9_-}{B-ZAb-za1-90\-_}r;
my @frozen = (
    [ 'in its last second', django($mine, base62($now - 120)), $ok ],
    [ 'expired by one second', django($mine, base62($now - 121)), '302 token_expired' ],
    [ 'from the future, as far as one may be', django($mine, base62($now + 3600)), $ok ],
    [ 'from the future, a second too far and the one that is tolerated', django($mine, base62($now + 3602)), refused('token_in_future') ],
);
my @django = (
    [ 'good', $good, $ok ],
    ($is_frozen ? @frozen : ()),
    [ 'of another path', django($secret, $at), $bad ],
    [ 'of another path that begins so', django("${mine}x", $at), $bad ],
    [ 'of the folder', django('/media', $at), $bad ],
    [ 'of a path with a host', django("//media.example.org$mine", $at), $bad ],
    [ 'of a URL', django("$site$mine", $at), $bad ],
    [ 'of a path with a query', django("$mine?x", $at), $bad ],
    [ 'of a path without its slash', django(substr($mine, 1), $at), $bad ],
    [ 'of a path with a line feed', django("$mine\n", $at), $bad ],
    [ 'of a path with a NUL', django("$mine\0", $at), $bad ],
    [ 'of nothing', django('', $at), $bad ],
    [ 'with the path as a part of it', "$mine:$good", $bad_form ],
    [ 'of a longer path, with the rest of the path in the time', 'x:' . django("$mine:x", $at), $bad_form ],
    [ 'of a longer path, with an escaped colon in the time', 'x%3A' . percent(django("$mine:x", $at)), $bad_form ],
    [ 'of a longer path, without the rest', django("$mine:x", $at), $bad ],
    [ 'of a path and a time in one', django_signature("$mine:$at"), $bad_form ],
    [ 'with another separator', "$born.$signature", $bad_form ],
    [ 'with two separators', "$born\::$signature", $bad_form ],
    [ 'with a separator behind', "$good:", $bad_form ],
    [ 'with a separator in front', ":$good", $bad_form ],
    [ 'with a full-width separator', "$born%ef%bc%9a$signature", $bad_form ],
    [ 'with the parts exchanged', "$signature:$born", $bad_form ],
    [ 'without a time', ":$signature", $bad_form ],
    [ 'without a time, signed so', django($mine, ''), $bad_form ],
    [ 'without a signature', "$born:", $bad_form ],
    [ 'without anything but a separator', ':', $bad_form ],
    [ 'with a zero before the time', "0$good", $bad ],
    [ 'with a zero before the time, signed so', django($mine, "0$at"), $ok ],
    [ 'with a sign before the time', "%2b$good", $bad_form ],
    [ 'with a sign before the time, signed so', percent(django($mine, "+$at")), $bad_form ],
    [ 'with a negative time, signed so', django($mine, "-$at"), $bad_form ],
    [ 'with a time of zero, signed so', django($mine, '0'), '302 token_expired' ],
    [ 'with a time in a thousand years, signed so', django($mine, 'zzzzzz'), refused('token_in_future') ],
    [ 'with the last time of 64 bits, signed so', django($mine, 'AzL8n0Y58m7'), $bad_form ],
    [ 'with a time that overflows, signed so', django($mine, 'AzL8n0Y58m8'), $bad_form ],
    [ 'with a time that wraps round to now, signed so', django($mine, 'LygHa16AHYF'), $bad_form ],
    [ 'with a time of a hundred digits, signed so', django($mine, 'z' x 100), $bad_form ],
    [ 'with a time of decimals, signed so', django($mine, "$now.0"), $bad_form ],
    [ 'with a time of other digits, signed so', percent(django($mine, "\xd9\xa1\xd9\xa2")), $bad_form ],
    [ 'with a space in the time, signed so', percent(django($mine, "$at ")), $bad_form ],
    [ 'with another time', base62($now - 1) . ":$signature", $bad ],
    [ 'with a time in another case', lc($born) . ":$signature", lc $born eq $born ? $ok : $bad ],
    [ 'with padding', "$good=", $bad_form ],
    [ 'with escaped padding', "$good%3d", $bad_form ],
    [ 'with letters - and _', $lettered, $ok ],
    [ 'with escaped letters - and _', $lettered =~ s/-/%2d/gr =~ s/_/%5F/gr, $ok ],
    [ 'with letters + and /', $lettered =~ s/-/%2B/gr =~ s{_}{/}gr, $bad ],
    [ 'with spaces for the letter +', $lettered =~ tr/-/+/r, $bad ],
    [ 'with other unused bits', "$born:" . substr($signature, 0, -1) . $next_letter, $bad ],
    [ 'with a changed letter', "$born:" . ($signature =~ s/\A(.)/$1 eq 'A' ? 'B' : 'A'/er), $bad ],
    [ 'with a letter less', substr($good, 0, -1), $bad_form ],
    [ 'with a letter more', "${good}A", $bad_form ],
    [ 'with the length of SHA-1', "$born:" . substr($signature, 0, 27), $bad ],
    [ 'with zeros for a signature', "$born:" . 'A' x 43, $bad ],
    [ 'with letters that are none', "$born:" . '!' x 43, $bad ],
    [ 'with NULs for a signature', "$born:" . '%00' x 43, $bad ],
    [ 'with a signature in upper case', "$born:\U$signature", $bad ],
    [ 'with a signature in hexadecimal', "$born:" . hmac_sha256_hex("$mine:$at", 'x'), $bad_form ],
    [ 'with SHA-1', django($mine, $at, alg => 'sha1'), $bad ],
    [ 'with another key', django($mine, $at, key => 'other.key'), $bad ],
    [ 'with an empty key', "$born:" . django_signature("$mine:$at", ''), $bad ],
    [ 'with a key of zeros', "$born:" . django_signature("$mine:$at", "\0" x 32), $bad ],
    [ 'with a key that is not derived', "$born:" . django_signature("$mine:$at", secret('main.key')), $bad ],
    [ 'with a hash that needs no key', "$born:" . encode_base64url(sha256(secret('main.key') . "$mine:$at")), $bad ],
    [ 'with a hash of the path', "$born:" . encode_base64url(sha256("$mine:$at")), $bad ],
    [ 'with another salt', django($mine, $at, salt => 'django.core.signing.Signer'), $bad ],
    [ 'with the salt of a session', django($mine, $at, salt => 'django.contrib.sessions.backends.signed_cookies'), $bad ],
    [ 'with no salt', django($mine, $at, salt => ''), $bad ],
    [ 'a JWT where none is known', $bearer, $bad_form ],
    [ 'good, of the odd path', django('/media/mine.txt:x', $at), '404 valid', '/media/mine.txt:x' ],
    [ 'good, and a colon moved into the path', $good, $bad, "$mine:" ],
    [ 'good, and the time moved into the path', ":$signature", $bad_form, "$mine:$born" ],
    [ 'good, and half of the time moved into the path', substr($born, 3) . ":$signature", $bad, $mine . ':' . substr $born, 0, 3 ],
);

# JSON Web Tokens. What is signed with the key of others must not be believed in any spelling.
my %claims = (path => $mine, exp => $now + 60);
sub hs { my ($claims, %opt) = @_; return jwt(ref $claims eq 'HASH' ? { %claims, %$claims } : $claims, %opt) }
sub raw { my ($header, $claims, $signature) = @_; return join '.', (map { encode_base64url($_) } $header, $claims), $signature }
sub hs_of { my ($message) = @_; return encode_base64url(hmac_sha256($message, key_text('hs.key'))) }

# With an end as JSON spells it.
sub ends { return hs(qq({"path":"$mine","exp":$_[0]})) }

# With a path as JSON spells it, or whatever stands in its place.
sub covers { return hs(sprintf '{"exp":%d,"path":%s}', $now + 60, $_[0]) }

# A part of a token in other base64.
sub respelled {
    my ($part, $change) = @_;
    my @parts = split /\./, $bearer;
    $parts[$part] = $change->($parts[$part]);
    return join '.', @parts;
}

my $unknown = refused('unknown_key');
my $unsupported = refused('token_unsupported');
my $json = JSON::PP->new->canonical;
my $payload = $json->encode(\%claims);
my @parts = split /\./, $bearer;
my @jwt = (
    [ 'good', $bearer, $ok ],
    # Algorithms.
    (map { [ "alg $_, unsigned", jwt(\%claims, alg => $_, signature => ''), $bad_form ] } qw(none None NONE nOnE HS256)),
    (map { [ "alg $_, with the signature of another", hs({}, alg => $_, sign => 'HS256'), $unknown ] }
        'none', 'NONE', '', 'hs256', 'HS-256', 'HS256 ', 'HS384', 'HS512', 'RS256', 'ES256', 'PS256', 'EdDSA', 'HMAC', "HS256\0", "\x{ff28}S256"),
    [ 'alg none, with a signature of dots', jwt(\%claims, alg => 'none', signature => '.'), $bad_form ],
    [ 'alg none, with zeros for a signature', jwt(\%claims, alg => 'none', signature => 'AAAA'), $unknown ],
    (map { [ "alg as $_", raw("{\"alg\":$_}", $payload, 'A' x 43), $bad_form ] } qw(null 256 true {} ["HS256"])),
    [ 'alg twice', raw('{"alg":"none","alg":"HS256"}', $payload, 'A' x 43), $bad_form ],
    [ 'alg twice, once escaped', raw('{"\u0061lg":"none","alg":"HS256"}', $payload, 'A' x 43), $bad_form ],
    [ 'no alg', raw('{"typ":"JWT"}', $payload, 'A' x 43), $bad_form ],
    [ 'alg in another case', raw('{"ALG":"HS256"}', $payload, 'A' x 43), $bad_form ],
    [ 'alg with a letter of another script', raw("{\"\xd0\xb0lg\":\"HS256\"}", $payload, 'A' x 43), $bad_form ],
    [ 'the file of a public key as a secret', jwt(\%claims, secret => key_text('rsa.pub.pem')), $bad, 'both' ],
    [ 'the file of a public key as a secret, by its id', jwt(\%claims, secret => key_text('rsa.pub.pem'), header => { kid => 'rsa' }), $unknown, 'both' ],
    [ 'the bytes of a public key as a secret', jwt(\%claims, secret => key_text('rsa.pub.pem') =~ s/-----[^-]+-----|\n//gr), $bad, 'both' ],
    [ 'the file of a public key of P-256 as a secret', jwt(\%claims, secret => key_text('ec.pub.pem'), header => { kid => 'ec' }), $unknown, 'both' ],
    [ 'an HMAC for RSA', jwt(\%claims, alg => 'RS256', sign => 'HS256'), $bad, 'both' ],
    [ 'RSA by another pair', jwt(\%claims, alg => 'RS256', key => 'rsa2'), $bad, 'both' ],
    [ 'RSA by the pair', jwt(\%claims, alg => 'RS256'), $ok, 'both' ],
    [ 'RSA with another padding', jwt(\%claims, alg => 'RS256', sign => 'PS256'), $bad, 'both' ],
    [ 'PS256 for a key of RS256', jwt(\%claims, alg => 'PS256'), $unknown, 'both' ],
    [ 'P-256 by the pair', jwt(\%claims, alg => 'ES256'), $ok, 'both' ],
    [ 'P-256 with zeros for both numbers', jwt(\%claims, alg => 'ES256', signature => 'A' x 86), $bad, 'both' ],
    [ 'an RSA signature of one', jwt(\%claims, alg => 'RS256', signature => encode_base64url("\0" x 255 . "\1")), $bad, 'both' ],
    [ 'an RSA signature of zero', jwt(\%claims, alg => 'RS256', signature => encode_base64url("\0" x 256)), $bad, 'both' ],
    [ 'an RSA signature that is a byte longer', jwt(\%claims, alg => 'RS256', signature => encode_base64url("\0" x 257)), $bad, 'both' ],
    # Keys.
    [ 'another secret', hs({}, key => 'other.key'), $bad ],
    [ 'an empty secret', hs({}, secret => ''), $bad ],
    [ 'a secret of zeros', hs({}, secret => "\0" x 64), $bad ],
    [ 'a secret with a line feed', hs({}, secret => key_text('hs.key') . "\n"), $bad ],
    (map { [ "key id $_", hs({}, header => { kid => $_ }), $unknown ] }
        'HS', 'hs ', '../hs', 'keys/hs', '/dev/null', '../../../../dev/null', "' OR '1'='1", '*', '%', 'hs%00', '', '-1', '${jndi:x}', '$hs', "h\x{455}", 'x' x 2000),
    (map { [ sprintf('key id with a control byte, %02x', ord), hs({}, header => { kid => "hs$_" }), $bad_form ] } "\0", "\n", "\r", "\x1b", "\x7f", "\x{85}"),
    (map { [ "key id as $_", raw("{\"alg\":\"HS256\",\"kid\":$_}", $payload, 'A' x 43), $bad_form ] } qw(0 null true [] {} ["hs"])),
    [ 'the id of another key', hs({}, header => { kid => 'rsa' }), $unknown, 'both' ],
    [ 'the id of another key, with its algorithm', hs({}, alg => 'RS256', sign => 'HS256', header => { kid => 'hs' }), $unknown, 'both' ],
    (map { [ "a header with $_", hs({}, header => { $_ => 'https://evil.example/k' }), $unsupported ] } 'jku', 'jwk', 'x5u', 'x5c', 'x5t', 'x5t#S256', 'crit', 'b64'),
    [ 'a header with an empty crit', hs({}, header => { crit => [] }), $unsupported ],
    [ 'a header with a key of its own', hs({}, key => 'other.key', header => { jwk => { kty => 'oct', k => encode_base64url(key_text('other.key')) } }), $unsupported ],
    [ 'a header with another kind of content', hs({}, header => { typ => 'JOSE+JSON', cty => 'JWT' }), $ok ],
    # Forms.
    [ 'padding behind the signature', "$bearer=", $bad_form ],
    [ 'padding behind the claims', respelled(1, sub { "$_[0]=" }), $bad_form ],
    [ 'padding behind the header', respelled(0, sub { "$_[0]=" }), $bad_form ],
    [ 'standard base64', do { my $token = ''; for my $i (1 .. 500) { $token = hs({ n => $i }); last if $token =~ /-/ && $token =~ /_/ } $token =~ s/-/%2B/gr =~ s{_}{/}gr }, $bad_form ],
    [ 'a line feed in the signature', "$parts[0].$parts[1]." . substr($parts[2], 0, 20) . '%0a' . substr($parts[2], 20), $bad_form ],
    [ 'other unused bits of the signature', "$parts[0].$parts[1]." . substr($parts[2], 0, -1) . (substr($parts[2], -1) =~ tr{A-Za-z0-9_-}{B-ZAb-za1-90\-_}r), $bad_form ],
    [ 'two parts', "$parts[0].$parts[1]", $bad_form ],
    [ 'four parts', "$bearer.$parts[2]", $bad_form ],
    [ 'five parts, as of encrypted ones', "$bearer.$parts[1].$parts[2]", $bad_form ],
    [ 'a dot behind', "$bearer.", $bad_form ],
    [ 'a dot in front', ".$bearer", $bad_form ],
    [ 'only dots', '..', $bad_form ],
    [ 'no header', ".$parts[1].$parts[2]", $bad_form ],
    [ 'no claims', "$parts[0]..$parts[2]", $bad_form ],
    [ 'no claims, signed so', "$parts[0].." . hs_of("$parts[0]."), $bad_form ],
    [ 'the parts exchanged', "$parts[1].$parts[0].$parts[2]", $bad_form ],
    [ 'half of the signature', "$parts[0].$parts[1]." . substr($parts[2], 0, 20), $bad ],
    [ 'a byte more of the signature', hs({}, signature => encode_base64url(hmac_sha256("$parts[0].$parts[1]", key_text('hs.key')) . "\0")), $bad ],
    [ 'no signature', "$parts[0].$parts[1].", $bad_form ],
    [ 'the signature of another token', "$parts[0].$parts[1]." . (split /\./, hs({ n => 1 }))[2], $bad ],
    [ 'the claims of another token', join('.', $parts[0], encode_base64url($json->encode({ %claims, path => '/*' })), $parts[2]), $bad ],
    [ 'the JSON of a token', percent('{"protected":"' . $parts[0] . '","payload":"' . $parts[1] . '","signature":"' . $parts[2] . '"}'), $bad_form ],
    [ 'a token in a token', hs(qq("$bearer")), $bad_form ],
    [ 'a Django token', $good, $bad_form ],
    # JSON.
    (map { [ "claims as $_", hs($_), $bad_form ] } 'null', '[]', '""', '0', '{', '{}x', "{$payload}", "[$payload]", $payload =~ s/"/'/gr, $payload =~ s/\}/,}/r,
        "\xef\xbb\xbf$payload", "/**/$payload", "$payload\0", "$payload$payload", join '', map { "\0$_" } split //, $payload),
    [ 'space around the claims', hs(" $payload\n"), $ok ],
    [ 'a member twice', hs($payload =~ s/\{/{"path":"\/*",/r), $bad_form ],
    [ 'a member twice, once escaped', hs($payload =~ s/\{/{"p\\u0061th":"\/*",/r), $bad_form ],
    [ 'an end twice', hs($payload =~ s/\{/{"exp":9999999999,/r), $bad_form ],
    [ 'an unknown member twice', hs($payload =~ s/\{/{"a":1,"a":2,/r), $bad_form ],
    [ 'a member of a prototype', hs($payload =~ s/\{/{"__proto__":{"path":"\/*"},/r), $ok ],
    [ 'claims within claims', hs('{"claims":' . $payload . '}'), $bad_form ],
    [ 'five hundred arrays in each other', hs($payload =~ s/\{/'{"a":' . '[' x 500 . ']' x 500 . ','/er), $ok ],
    [ 'three hundred objects in each other', hs($payload =~ s/\{/'{"a":' . '{"a":' x 300 . '1' . '}' x 300 . ','/er), $ok ],
    [ 'three hundred objects in each other in the header', raw('{"alg":"HS256","a":' . '{"a":' x 300 . '1' . '}' x 300 . '}', $payload, 'A' x 43), $bad ],
    [ 'five hundred arrays for a path', covers('[' x 500 . ']' x 500), $bad_form ],
    [ 'more members than an object may have', hs({ map { ("a$_" => 1) } 1 .. 64 }), $bad_form ],
    [ 'bytes that are no UTF-8', hs($payload =~ s/\{/{"a":"\xff",/r), $bad_form ],
    [ 'overlong UTF-8', hs($payload =~ s/\{/{"a":"\xc0\xaf",/r), $bad_form ],
    [ 'half of a surrogate pair in a path', covers('"\ud800"'), $bad_form ],
    [ 'a token of 4,097 bytes', do { my $token = hs({ pad => 'x' }); my $more = 4097 - length $token; hs({ pad => 'x' x (1 + int($more * 3 / 4) + 3) }) }, $bad_form ],
    # Ends and beginnings.
    ($is_frozen ? (
        [ 'in its last second', ends($now + 1), $ok ],
        [ 'expired by one second', ends($now), '302 token_expired' ],
        [ 'expired by one second, with a fraction', ends("$now.999"), '302 token_expired' ],
    ) : ()),
    (map { [ "an end of $_", ends($_), '302 token_expired' ] } 0, 1, -1, '-0', '0.9', '1e3', '-9223372036854775808', '1700000000e-1'),
    (map { [ "an end of $_", ends($_), $ok ] } '9223372036854775807', $now + 60 . '.5', ($now + 60) . '000', '1e18'),
    (map { [ "an end of $_", ends($_), $bad_form ] } '9223372036854775808', '18446744073709551615', '18446744073709551616', '1e19', '1e308', '1' . '0' x 300),
    (map { [ "an end of $_", ends($_), $bad_form ] } '1e309', '-1e309', '1e99999', 'NaN', 'Infinity', '-', '+1', '0x7fffffff', '01700000060', '1700000060.', '.5', 'null', 'true', '[]', '[9999999999]', '{}', '"9999999999"', '""', '"never"'),
    (map { [ "an end named $_", hs({ exp => undef, $_ => $now + 60 }), $bad_form ] } 'EXP', 'Exp', 'exp ', "exp\0", 'expires', "\x{435}xp", "ex\x{440}"),
    [ 'no end', hs({ exp => undef }), $bad_form ],
    (map { [ "a beginning of $_", hs(qq({"path":"$mine","exp":9999999999,"nbf":$_})), refused('token_not_yet_valid') ] } $now + 3600, '9223372036854775807'),
    (map { [ "a beginning of $_", hs(qq({"path":"$mine","exp":9999999999,"nbf":$_})), $bad_form ] } '"0"', 'null', '{}', 'false', '1e999'),
    (map { [ "a beginning of $_", hs(qq({"path":"$mine","exp":9999999999,"nbf":$_})), $ok ] } -1, 0, '-9223372036854775808'),
    # Paths.
    (map { [ "a path as $_", covers($_), $ok ] } qq("$mine"), qq(["$mine"]), qq(["/x","$mine"]), '"/*"', '"/media/*"', '"\u002fmedia\/mine.txt"'),
    (map { [ "a path as $_", covers($_), $wrong ] } '"*"', '""', '[]', '[""]', '"/"', '"//*"', '"/media"', '"/media/"', '"/media*"', '"/media/mine*"', '"/media/mine.*"',
        '"/media/mine.txt*"', '"/media/mine.tx?"', '"/media/*.txt"', '"/*/mine.txt"', '"/media/**"', '"**"', '".*"', '"/.*"', '"/media/./mine.txt"', '"/media/mine/../mine.txt"', '"/media/../*"',
        '"media/mine.txt"', '"/MEDIA/mine.txt"', '"/media/mine.txt "', '"/media/mine.txt\u0000"', '"/media/mine.txt\n"', '"/media/mine.txt?"', '"/media/mine.txt#"', '"/media/%6dine.txt"',
        '"/media%2fmine.txt"', '"/media\\\\mine.txt"', '"https://media.example.org/media/mine.txt"', '"//media.example.org/media/mine.txt"', '"/media/mine.txt,/media/secret.txt"',
        qq("/media\xef\xbc\x8fmine.txt"), qq("/media/m\xd1\x96ne.txt"), '"/media/mine.txt\u200b"', '"/%2a"'),
    (map { [ "a path as $_", covers($_), $bad_form ] } 'null', '0', 'true', '{}', '{"0":"/*"}', '[["/*"]]', '[null]', '["/*",1]', '[' . join(',', ('"/x"') x 65) . ']'),
    (map { [ "a path named $_", hs({ path => undef, $_ => '/*' }), $wrong ] } 'PATH', 'Path', 'paths', 'path ', "p\x{430}th", 'sub', 'url', 'cdni'),
    # Whom it is for.
    [ 'an audience, where there is none', hs({ aud => 'x' }), refused('wrong_audience') ],
    [ 'an audience of all', hs({ aud => '*' }), refused('wrong_audience') ],
    [ 'an empty list of audiences', hs({ aud => [] }), refused('wrong_audience') ],
    (map { [ "a method of $_", hs({ method => $_ }), refused('wrong_method') ] } 'POST', 'get', 'GET ', '*', '', 'HEAD', 'GET,POST'),
    [ 'an address, where the viewer has none', hs({ ip => '0.0.0.0/0' }), refused('wrong_address') ],
    [ 'an address of the other family', hs({ ip => '::/0' }), refused('wrong_address') ],
    (map { [ "an address of $_", hs({ ip => $_ }), $bad_form ] } '*', '', '0.0.0.0/33', '0/0', '0.0.0.0/-1', '0.0.0.0/ 0', 'localhost', '0x7f.0.0.1'),
    (map { [ "a subject with a control byte, $_", hs(sprintf '{"exp":%d,"path":"%s","sub":"a\u%04x"}', $now + 60, $mine, $_), $bad_form ] } 0, 10, 13, 27, 127, 133),
    (map { [ "a claim of RFC 9246, $_", hs({ $_ => 1 }), $unsupported ] } qw(cdniip cdniets cdnistt cdnistd)),
    [ 'a critical claim', hs({ cdnicrit => 'jti' }), $unsupported ],
    [ 'a container for another file', hs({ path => undef, cdniuc => "regex:.*/secret\\.txt" }), $wrong ],
    [ 'a container that is not anchored', hs({ path => undef, cdniuc => 'regex:mine' }), $wrong ],
    [ 'a container that is no expression', hs({ path => undef, cdniuc => 'regex:a)|(.*' }), $unsupported ],
    [ 'a container and an id', hs({ jti => 'x', cdniuc => 'regex:.*' }), $unsupported ],
);

for my $case ([ 'Django', 'django', \@django ], [ 'JWT', 'jwt', \@jwt ]) {
    my ($format, $usual, $rows) = @$case;
    for my $row (@$rows) {
        my ($what, $token, $expected, $more) = @$row;
        my ($server, $path) = $format eq 'JWT' ? ($more // $usual, $mine) : ($usual, $more // $mine);
        my $got = outcome(get($server, "$path?token=$token"));
        is $got, $expected, printable("$format: $what") or diag $token;
    }
}

# CloudFront's parameters. Those of a canned policy for one file, and of a custom one for the folder.
my $inside = "${folder}a.txt";
my %canned = map { $_->[0] => $_->[1] } cf_parameters($mine, end => $now + 60);
my %custom = map { $_->[0] => $_->[1] } cf_parameters($inside, resource => "$folder*", end => $now + 60);

# The query of some parameters, of which a row changes some; undefined ones go.
sub changed {
    my ($parameters, %with) = @_;
    my %value = (%$parameters, %with);
    return join '&', map { defined $value{$_} ? "$_=$value{$_}" : () } sort keys %value;
}

# A policy that is signed as it stands.
sub policy { return cf_query($inside, policy => $_[0]) }

# One with the resource, the condition or the end that JSON has there.
sub statement {
    my (%with) = @_;
    my $resource = $with{resource} // qq("$site$folder*");
    my $condition = $with{condition} // sprintf '{"DateLessThan":{"AWS:EpochTime":%s}}', $with{end} // $now + 60;
    return policy(qq({"Statement":[{"Resource":$resource,"Condition":$condition}]}));
}

# The last letter before the padding, with other unused bits.
my $loosened = $canned{Signature} =~ s/(.)(?=__\z)/$1 =~ tr{A-Za-z0-9~-}{B-ZAb-za1-90\-~}r/er;
my $ok_inside = "200 valid $inside";
my $incomplete = '302 token_incomplete';
my @cloudfront = (
    [ 'good, canned', $mine, changed(\%canned), $ok ],
    [ 'good, custom', $inside, changed(\%custom), $ok_inside ],
    # What is signed and what is asked for.
    [ 'canned, for another file', $secret, changed(\%canned), $bad ],
    [ 'canned, with an argument more', "$mine?x=1", changed(\%canned), $bad ],
    [ 'canned, with an empty argument more', "$mine?&", changed(\%canned), $bad ],
    [ 'custom, for another folder', '/media/secret/a.txt', changed(\%custom), $wrong ],
    [ 'canned, made of a custom one', $inside, changed(\%custom, Policy => undef, Expires => $now + 60), $bad ],
    [ 'custom, made of a canned one', $mine, changed(\%canned, Expires => undef, Policy => cf64(cf_policy("$site$mine", end => $now + 60))), $ok ],
    [ 'custom, made of a canned one with a wildcard', $inside, changed({ map { @$_ } cf_parameters("$folder*", end => $now + 60) },
        Expires => undef, Policy => cf64(cf_policy("$site$folder*", end => $now + 60))), $ok_inside ],
    [ 'custom, made of a canned one, where only those are signed', $mine,
        changed(\%canned, Expires => undef, Policy => cf64(cf_policy("$site$mine", end => $now + 60))), $unsupported, 'canned' ],
    [ 'canned, where only those are signed', $mine, changed(\%canned), $ok, 'canned' ],
    [ 'both kinds at once', $mine, changed(\%canned, Policy => $custom{Policy}), $bad_form ],
    [ 'the signature of another policy', $inside, changed(\%custom, Signature => $canned{Signature}), $bad ],
    [ 'another policy', $inside, changed(\%custom, Policy => cf64(cf_policy("$site/*", end => $now + 60))), $bad ],
    # Ends.
    ($is_frozen ? (
        [ 'canned, in its last second', $mine, cf_query($mine, end => $now + 1), $ok ],
        [ 'canned, expired by one second', $mine, cf_query($mine, end => $now), '302 token_expired' ],
        [ 'custom, in its last second', $inside, statement(end => $now + 1), $ok_inside ],
        [ 'custom, expired by one second', $inside, statement(end => $now), '302 token_expired' ],
        [ 'custom, begun a second ago', $inside, cf_query($inside, resource => "$folder*", end => $now + 60, start => $now - 1), $ok_inside ],
    ) : ()),
    [ 'canned, with another end', $mine, changed(\%canned, Expires => $now + 61), $bad ],
    (map { [ "canned, with an end of $_", $mine, changed(\%canned, Expires => $_), $bad_form ] }
        '+1700000060', '-1', '0x6553f100', '1e9', '99999999999', '99999999999999999999', "%20$canned{Expires}", "$canned{Expires}%20", "$canned{Expires}.0", "$canned{Expires}%00", '%d9%a1', 'never'),
    [ 'canned, with a zero before the end', $mine, changed(\%canned, Expires => "0$canned{Expires}"), $bad_form ],
    [ 'canned, with an escaped end', $mine, changed(\%canned, Expires => $canned{Expires} =~ s/(.)/sprintf '%%%02x', ord $1/ger), $ok ],
    [ 'canned, with an end that breaks out of its text', $mine, changed(\%canned, Expires => "$canned{Expires}}}}]}"), $bad_form ],
    (map { [ "canned, signed with an end of $_", $mine, cf_query($mine, end => $_), $_ eq '9999999999' ? $ok : '302 token_expired' ] } '0', '1', '9999999999'),
    (map { [ "custom, with an end of $_", $inside, statement(end => $_), '302 token_expired' ] } 0, -1, '-9223372036854775808'),
    (map { [ "custom, with an end of $_", $inside, statement(end => $_), $ok_inside ] } '9223372036854775807', '4294967296'),
    (map { [ "custom, with an end of $_", $inside, statement(end => $_), $bad_form ] } '9223372036854775808', '18446744073709551615', '1e99', '1e999', "$now.5", "\"$now\"", 'null', '[]', '{}', 'true', '', "0$now"),
    # Conditions and statements.
    [ 'no end', $inside, statement(condition => '{}'), $bad_form ],
    [ 'no condition', $inside, policy(qq({"Statement":[{"Resource":"$site$folder*"}]})), $bad_form ],
    [ 'an end twice', $inside, statement(condition => '{"DateLessThan":{"AWS:EpochTime":1},"DateLessThan":{"AWS:EpochTime":9999999999}}'), $bad_form ],
    [ 'an end twice, once escaped', $inside, statement(condition => '{"DateLessThan":{"AWS:EpochTime":1,"AWS\u003aEpochTime":9999999999}}'), $bad_form ],
    (map { [ "an unknown condition, $_", $inside, statement(condition => "{\"DateLessThan\":{\"AWS:EpochTime\":9999999999},$_}"), $unsupported ] }
        '"Not":{}', '"dategreaterthan":{"AWS:EpochTime":9999999999}', '"StringEquals":{"x":"y"}', '"NotIpAddress":{"AWS:SourceIp":"0.0.0.0/0"}'),
    [ 'a beginning that has not come', $inside, cf_query($inside, resource => "$folder*", end => $now + 60, start => $now + 30), refused('token_not_yet_valid') ],
    [ 'an address, where the viewer has none', $inside, cf_query($inside, resource => "$folder*", end => $now + 60, from => '0.0.0.0/0'), refused('wrong_address') ],
    (map { [ "an address of $_", $inside, cf_query($inside, resource => "$folder*", end => $now + 60, from => $_), $bad_form ] } '', '*', '::/0', '0.0.0.0/33', '0.0.0.0/00', '0/0', '1.2.3'),
    [ 'two statements', $inside, policy(sprintf '{"Statement":[%s,%s]}', (qq({"Resource":"$site/*","Condition":{"DateLessThan":{"AWS:EpochTime":9999999999}}})) x 2), $bad_form ],
    [ 'no statement', $inside, policy('{"Statement":[]}'), $bad_form ],
    [ 'a statement twice', $inside, policy(sprintf '{"Statement":[%s],"Statement":[%s]}', (qq({"Resource":"$site/*","Condition":{"DateLessThan":{"AWS:EpochTime":9999999999}}})) x 2), $bad_form ],
    [ 'a statement that denies', $inside, policy(qq({"Statement":[{"Effect":"Deny","Resource":"$site/*","Condition":{"DateLessThan":{"AWS:EpochTime":9999999999}}}]})), $unsupported ],
    [ 'a resource twice', $inside, policy(qq({"Statement":[{"Resource":"$site/x","Resource":"$site/*","Condition":{"DateLessThan":{"AWS:EpochTime":9999999999}}}]})), $bad_form ],
    [ 'a policy in a policy', $inside, policy('"' . cf64(cf_policy("$site/*")) . '"'), $bad_form ],
    # Resources.
    (map { [ "a resource of $_", $inside, statement(resource => "\"$_\""), $ok_inside ] } '*', "$site$folder*", "*://media.example.org/*", 'https://*/media/mine/a.txt', "$site/media/mine/?.txt", "$site*", "$site/*/a.txt", 'https:\/\/media.example.org\/media\/mine\/a.txt'),
    (map { [ "a resource of $_", $inside, statement(resource => "\"$_\""), $wrong ] } '', '/', '/*', "${folder}*", 'media.example.org/*', "http://media.example.org/*", "http*://media.example.org/*", 'https://evil.example/*',
        'https://media.example.org.evil.example/*', 'https://media.example.org@evil.example/*', 'https://evil.example/https://media.example.org/media/mine/*', "$site:443/*", "$site/media/mine/", "$site/media/mine/A.txt",
        "$site/media/mine/a.txt?*", "$site/media/mine/a\\\\?txt", "$site/media/mine/../mine/*", "$site/media//mine/*", "$site/media/mine%2f*", "$site/media/mine/%61.txt", "$site/media/mine/a.tx", "$site/media/mine/a.txt#", "https:/media.example.org/*", "$site/media/mine/a.txt\\u0000"),
    (map { [ "a resource of $_", $inside, statement(resource => $_), $bad_form ] } 'null', '0', '[]', "[\"$site/*\"]", '{}', 'true'),
    [ 'no resource', $inside, policy('{"Statement":[{"Condition":{"DateLessThan":{"AWS:EpochTime":9999999999}}}]}'), $ok_inside ],
    # Base64 and JSON.
    (map { my $policy = $_; [ 'a policy that is ' . (length $policy > 20 ? 'no JSON: ' . length $policy : "no policy: $policy"), $inside, policy($policy), $bad_form ] } 'null', '[]', '""', '{}', "\xef\xbb\xbf{}", '{"Statement":[{]}', '{"Statement":' . '[' x 1000 . ']' x 1000 . '}'),
    [ 'a signature in the alphabet of standard base64', $mine, changed(\%canned, Signature => percent($canned{Signature} =~ tr{-_~}{+=/}r)), $bad_form ],
    [ 'a signature in the alphabet of URLs', $mine, changed(\%canned, Signature => $canned{Signature} =~ tr/_-/=_/r =~ s/~/-/gr), $bad_form ],
    [ 'a signature with other unused bits', $mine, changed(\%canned, Signature => $loosened), $bad_form ],
    [ 'a signature without its padding', $mine, changed(\%canned, Signature => $canned{Signature} =~ s/_+\z//r), $ok ],
    [ 'a signature with half of its padding', $mine, changed(\%canned, Signature => $canned{Signature} =~ s/_\z//r), $bad_form ],
    [ 'a signature with too much padding', $mine, changed(\%canned, Signature => "$canned{Signature}_"), $bad_form ],
    [ 'a signature with a line feed', $mine, changed(\%canned, Signature => "$canned{Signature}%0a"), $bad_form ],
    [ 'a signature with a space', $mine, changed(\%canned, Signature => "$canned{Signature}+"), $bad_form ],
    [ 'half of a signature', $mine, changed(\%canned, Signature => substr $canned{Signature}, 0, 172), $bad ],
    [ 'a signature of zeros', $mine, changed(\%canned, Signature => cf64("\0" x 256)), $bad ],
    [ 'a signature of one', $mine, changed(\%canned, Signature => cf64("\0" x 255 . "\1")), $bad ],
    [ 'a signature of 2,048 bytes', $mine, changed(\%canned, Signature => cf64("\1" x 2048)), $bad_form ],
    [ 'a signature of 64 KiB', $mine, changed(\%canned, Signature => $long), $bad_form ],
    [ 'a policy of 64 KiB', $inside, changed(\%custom, Policy => $long), $bad_form ],
    [ 'a policy with other padding', $inside, changed(\%custom, Policy => "$custom{Policy}____"), $bad_form ],
    # Keys and hashes.
    (map { [ "a key id of $_", $mine, changed(\%canned, 'Key-Pair-Id' => $_), $unknown ] } 'krsa', 'KRS', 'KRSAX', 'KRSA%00', 'KRSA%20', '%20KRSA', 'KOTHER', '*', '..%2fKRSA', 'django', 'hs', "K\xd0\xa0SA", 'x' x 4000),
    [ 'a key id that is escaped', $mine, changed(\%canned, 'Key-Pair-Id' => '%4BRSA'), $ok ],
    [ 'a key id of another key', $mine, changed(\%canned, 'Key-Pair-Id' => 'KEC'), $bad, 'cookies' ],
    [ 'another pair', $mine, cf_query($mine, key => 'rsa2', id => 'KRSA', end => $now + 60), $bad ],
    [ 'P-256', $mine, cf_query($mine, key => 'ec', end => $now + 60), $ok, 'cookies' ],
    [ 'P-256 with zeros for both numbers', $mine, changed(\%canned, 'Key-Pair-Id' => 'KEC', Signature => cf64("\x30\x06\x02\x01\0\x02\x01\0")), $bad, 'cookies' ],
    [ 'P-256 with more behind', $mine, do { my %value = map { @$_ } cf_parameters($mine, key => 'ec', end => $now + 60);
        changed(\%value, Signature => cf64(decode_base64($value{Signature} =~ tr{-_~}{+=/}r) . "\0")) }, $bad, 'cookies' ],
    (map { [ "a hash of $_", $mine, changed(\%canned, 'Hash-Algorithm' => $_), $unsupported ] } 'sha1', 'SHA-1', 'SHA512', 'MD5', 'none', 'SHA1%00', '%20SHA1'),
    [ 'another hash than the one that was signed', $mine, changed(\%canned, 'Hash-Algorithm' => 'SHA256'), $bad ],
    [ 'the hash that was signed', $mine, changed(\%canned, 'Hash-Algorithm' => 'SHA1'), $ok ],
    # Names.
    (map { my $name = $_; [ "$name twice", $mine, changed(\%canned) . "&$name=$canned{$name}", $twice ] } qw(Expires Signature Key-Pair-Id)),
    [ 'a name twice, once escaped', $mine, changed(\%canned) . "&%45xpires=$canned{Expires}", $twice ],
    (map { [ "no $_", $mine, changed(\%canned, $_ => undef), $incomplete ] } qw(Expires Signature Key-Pair-Id)),
    (map { [ "an empty $_", $mine, changed(\%canned, $_ => ''), $empty ] } qw(Expires Signature Key-Pair-Id Hash-Algorithm)),
    (map { [ "$_ in another case", $mine, changed(\%canned, $_ => undef, lc $_ => $canned{$_}), $incomplete, 'cookies' ] } qw(Expires Signature Key-Pair-Id)),
    [ 'an escaped name', $mine, changed(\%canned, Expires => undef, '%45xpires' => $canned{Expires}), $ok ],
    [ 'only a hash', $mine, 'Hash-Algorithm=SHA1', $incomplete ],
);
for my $row (@cloudfront) {
    my ($what, $target, $query, $expected, $server) = @$row;
    my $got = outcome(get($server // 'root', with($target, $query)));
    is $got, $expected, printable("CloudFront: $what") or diag $query;
}

# By cookies, and by both.
sub cookies { my ($parameters, %with) = @_; return 'Cookie: ' . changed($parameters, %with) =~ s/&/; /gr =~ s/(\A|; |: )(?=[A-Z%])/$1CloudFront-/gr =~ s/\ACookie: //r }
my $cookie = cookies(\%canned);
for my $row (
    [ 'good', $mine, [ $cookie ], $ok ],
    [ 'in several lines', $mine, [ map { "Cookie: CloudFront-$_=$canned{$_}" } sort keys %canned ], $ok ],
    [ 'for another file', $secret, [ $cookie ], $bad ],
    [ 'beside an incomplete URL', "$mine?Expires=$canned{Expires}", [ $cookie ], $incomplete ],
    [ 'beside a forged URL', "$mine?" . changed(\%canned, Expires => $now + 61), [ $cookie ], $bad ],
    [ 'one half, and the other one in the URL', "$mine?Expires=$canned{Expires}", [ cookies(\%canned, Expires => undef) ], $incomplete ],
    [ 'twice', $mine, [ $cookie, $cookie ], $twice ],
    [ 'one of them twice', $mine, [ "$cookie; CloudFront-Expires=1" ], $twice ],
    [ 'in another case', $mine, [ lc $cookie ], $none ],
    [ 'without what their names begin with', $mine, [ $cookie =~ s/CloudFront-//gr ], $none ],
    [ 'with the names of another prefix', $mine, [ $cookie =~ s/CloudFront-/__Host-CloudFront-/gr ], $none ],
) {
    my ($what, $target, $headers, $expected) = @$row;
    my $got = outcome(get('cookies', $target, @$headers));
    is $got, $expected, "CloudFront's cookies: $what" or diag "@$headers";
}

stop();

# Whatever the spelling, what was decided shows no credential to an upstream or in a log.
for my $name (qw(decided.log upstream.log)) {
    my $shown = log_text($name);
    cmp_ok scalar(() = $shown =~ /\n/g), '>', 1000, "$name has something to look at";
    is_deeply [ grep { $sent{$_} } possible_secrets($shown) ], [], "no signature in $name";
}
unlike log_text(), qr/\[alert\]|\[emerg\]|\[crit\]|Sanitizer|panicked|exited on signal/, 'no alarm in the log';
done_testing();
