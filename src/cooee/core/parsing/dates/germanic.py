"""German, Dutch, Danish, Norwegian and Swedish words for days and times."""

from cooee.core.parsing.dates.language import Language

GERMAN = Language(
    months="januar jänner jan/februar feber feb/märz maerz mrz/april apr/mai/juni jun/juli jul"
    "/august aug/september sept sep/oktober okt/november nov/dezember dez",
    weekdays="montag/dienstag/mittwoch/donnerstag/freitag/samstag sonnabend/sonntag",
    short_weekdays="mo/di/mi/do/fr/sa/so",
    ordinal_endings=r"\.(?!\d)|te|ten|ter",
    words="""
R0: heute
R1: morgen
R2: übermorgen, uebermorgen
R-1: gestern
R-2: vorgestern
R0 Pevening: heute abend
R0 Pnight: heute nacht
R1 Pmorning: morgen früh, morgen frueh
j: jetzt
pmorning: morgen, früh, frueh
Pmorning: am morgen, morgens, vormittag, am vormittag, vormittags
Pafternoon: nachmittag, am nachmittag, nachmittags
Pevening: abend, am abend, abends
Pnight: in der nacht
Knoon: mittag, mittags
Kmidnight: mitternacht
Uminute: minute, minuten
Uhour: stunde, stunden, std
Uday: tag, tage, tagen
Uweek: woche, wochen
Umonth: monat, monate, monaten
Uyear: jahr, jahre, jahren
a: ein, eine, einem, einer, einen
n2: zwei
n3: drei
n4: vier
n5: fünf
n6: sechs
n7: sieben
n8: acht
n9: neun
n10: zehn
Xthis: diesen, dieser, diese, dieses
Xcoming: kommenden, kommender
Xnext: nächsten, nächster, nächste, nächstem, naechsten, naechste
Xlast: letzten, letzter, letzte
i: in
G: vor
F: nach
c: uhr
@: um
~: gegen, ca, etwa
d: am, den, der
f: für
_: dem, des, bitte, danke, ok
y1: erster, ersten, erste
y2: zweiter, zweiten
y3: dritter, dritten
""",
)

DUTCH = Language(
    months="januari jan/februari feb/maart mrt/april apr/mei/juni jun/juli jul/augustus aug"
    "/september sept sep/oktober okt/november nov/december dec",
    weekdays="maandag/dinsdag/woensdag/donderdag/vrijdag/zaterdag/zondag",
    short_weekdays="ma/di/wo/do/vr/za/zo",
    ordinal_endings="e|de|ste",
    words="""
R0: vandaag
R1: morgen
R2: overmorgen
R-1: gisteren
R-2: eergisteren
R0 Pevening: vanavond
R0 Pafternoon: vanmiddag
R0 Pmorning: vanochtend, vanmorgen
R0 Pnight: vannacht
R1 Pmorning: morgenochtend
R1 Pafternoon: morgenmiddag
R1 Pevening: morgenavond
j: nu
Pmorning: ochtend, 's ochtends, 's morgens
Pafternoon: middag, 's middags
Pevening: avond, 's avonds
Kmidnight: middernacht
Uminute: minuut, minuten
Uhour: uur
Uday: dag, dagen
Uweek: week, weken
Umonth: maand, maanden
Uyear: jaar
a: een
n2: twee
n3: drie
n4: vier
n5: vijf
n6: zes
n7: zeven
n8: acht
n9: negen
n10: tien
Xthis: deze
Xcoming: komende, aanstaande
Xnext: volgende
Xlast: afgelopen, vorige
i: over
G: geleden
c: uur
@: om
~: rond
f: voor
_: op, de, het, van, in de, aub, alstublieft, dank je, bedankt, graag, ok
y1: eerste
""",
)

DANISH = Language(
    months="januar jan/februar feb/marts/april apr/maj/juni jun/juli jul/august aug"
    "/september sept sep/oktober okt/november nov/december dec",
    weekdays="mandag/tirsdag/onsdag/torsdag/fredag/lørdag/søndag",
    short_weekdays="man/tir/ons/tor/fre/lør/søn",
    ordinal_endings=r"\.(?!\d)|te|de",
    words="""
R0: i dag, idag
R1: i morgen, imorgen
R2: i overmorgen, overmorgen
R-1: i går, igår
R0 Pevening: i aften
R0 Pnight: i nat
R0 Pmorning: i morges
R1 Pmorning: i morgen tidlig
j: nu
Pmorning: morgen, om morgenen, formiddag
Pafternoon: eftermiddag, om eftermiddagen
Pevening: aften, om aftenen
Kmidnight: midnat
Uminute: minut, minutter, min
Uhour: time, timer
Uday: dag, dage
Uweek: uge, uger
Umonth: måned, måneder
Uyear: år
a: en, et
n2: to
n3: tre
n4: fire
n5: fem
n6: seks
n7: syv
n8: otte
n9: ni
n10: ti
Xthis: denne
Xcoming: kommende
Xnext: næste
Xlast: sidste
i: om
G: siden
@: kl, klokken
d: den, d
f: for
_: på, tak, ok, venligst
y1: første
""",
)

NORWEGIAN = Language(
    months="januar jan/februar feb/mars/april apr/mai/juni jun/juli jul/august aug"
    "/september sept sep/oktober okt/november nov/desember des",
    weekdays="mandag/tirsdag/onsdag/torsdag/fredag/lørdag/søndag",
    short_weekdays="man/tir tirs/ons/tor tors/fre/lør/søn",
    ordinal_endings=r"\.(?!\d)|te|de",
    words="""
R0: i dag, idag
R1: i morgen, imorgen
R2: i overmorgen, overmorgen
R-1: i går, igår
R0 Pevening: i kveld, ikveld
R0 Pnight: i natt
R0 Pmorning: i dag tidlig
R1 Pmorning: i morgen tidlig
j: nå
Pmorning: morgen, om morgenen, formiddag
Pafternoon: ettermiddag, om ettermiddagen
Pevening: kveld, om kvelden
Kmidnight: midnatt
Uminute: minutt, minutter, min
Uhour: time, timer
Uday: dag, dager
Uweek: uke, uker
Umonth: måned, måneder
Uyear: år
a: en, et, ei
n2: to
n3: tre
n4: fire
n5: fem
n6: seks
n7: sju, syv
n8: åtte
n9: ni
n10: ti
Xthis: denne
Xcoming: kommende
Xnext: neste
Xlast: forrige, sist
i: om
G: siden
@: kl, klokken, klokka
d: den
f: for
_: på, takk, ok, vennligst
y1: første
""",
)

SWEDISH = Language(
    months="januari jan/februari feb/mars/april apr/maj/juni jun/juli jul/augusti aug"
    "/september sept sep/oktober okt/november nov/december dec",
    weekdays="måndag/tisdag/onsdag/torsdag/fredag/lördag/söndag",
    short_weekdays="mån/tis/ons/tor tors/fre/lör/sön",
    ordinal_endings=":?e|:?a",
    words="""
R0: i dag, idag
R1: i morgon, imorgon
R2: i övermorgon, övermorgon
R-1: i går, igår
R0 Pevening: i kväll, ikväll
R0 Pnight: i natt
R0 Pmorning: i morse
R1 Pmorning: i morgon bitti
j: nu
Pmorning: morgon, på morgonen, förmiddag
Pafternoon: eftermiddag, på eftermiddagen
Pevening: kväll, på kvällen
Kmidnight: midnatt
Uminute: minut, minuter, min
Uhour: timme, timmar
Uday: dag, dagar
Uweek: vecka, veckor
Umonth: månad, månader
Uyear: år
a: en, ett
n2: två
n3: tre
n4: fyra
n5: fem
n6: sex
n7: sju
n8: åtta
n9: nio
n10: tio
Xthis: denna
Xcoming: kommande
Xnext: nästa
Xlast: förra
i: om
G: sedan, sen
@: kl, klockan
d: den
f: för
_: på, tack, ok
y1: första
""",
)
