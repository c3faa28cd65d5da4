# What a text-munging Perl program does to malloc; prints only what every run must print alike.
use strict;
use warnings;
use threads;
use Digest::SHA qw(sha256_hex);
use List::Util qw(sum max);

sub words {
    my %count;
    my $seed = 12345;
    for (1 .. 60000) {
        $seed = ($seed * 1103515245 + 12345) % 2147483648;
        $count{ "word" . ( $seed % 7919 ) }++;
    }
    my @sorted = sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count;
    delete @count{ @sorted[ 0 .. $#sorted / 2 ] };
    return sha256_hex( join ",", @sorted, map { "$_=$count{$_}" } sort keys %count );
}

sub growing_text {
    my $text = "";
    $text .= sprintf "%d:%s;", $_, "z" x ( $_ % 300 ) for 1 .. 12000;
    ( my $changed = $text ) =~ s/(\d+):(z*)/length($2) . ":$1"/ge;
    return sha256_hex( $changed . join "", reverse split /;/, $text );
}

sub nested {
    my @rows = map { { id => $_, list => [ 1 .. $_ % 30 ], code => do { my $n = $_; sub { $n * 2 } } } } 1 .. 15000;
    return sum map { $_->{code}->() + @{ $_->{list} } } grep { $_->{id} % 2 } @rows;
}

sub children {
    my $total = 0;
    for my $child ( 1 .. 20 ) {
        my $pid = open my $pipe, "-|";
        die "fork: $!" unless defined $pid;
        if ( !$pid ) {
            print sum map { length( $_ x $child ) } 1 .. 3000;
            exit 0;
        }
        $total += <$pipe>;
        close $pipe or die "child: $?";
    }
    return $total;
}

sub interpreters {
    my @threads = map { my $n = $_; threads->create( sub { max map { length( "a" x ( $_ * $n % 5000 ) ) } 1 .. 20000 } ) } 1 .. 4;
    return join ",", map { $_->join } @threads;
}

print "words ",        words(),        "\n";
print "growing text ", growing_text(), "\n";
print "nested ",       nested(),       "\n";
print "children ",     children(),     "\n";
print "interpreters ", interpreters(), "\n";
