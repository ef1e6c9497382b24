"""French, Spanish, Italian and Portuguese words for days and times."""

from cooee.core.parsing.dates.language import Language

FRENCH = Language(
    months="janvier janv/février fevr fev/mars/avril avr/mai/juin/juillet juil/août/septembre sept"
    "/octobre oct/novembre nov/décembre dec",
    weekdays="lundi/mardi/mercredi/jeudi/vendredi/samedi/dimanche",
    short_weekdays="lun/mar/mer/jeu/ven/sam/dim",
    ordinal_endings="er|ere|eme|e",
    words="""
R0: aujourd'hui, auj
R1: demain
R2: après-demain
R-1: hier
R-2: avant-hier
R0 Pevening: ce soir
R0 Pnight: cette nuit
R0 Pmorning: ce matin
R0 Pafternoon: cet après-midi
j: maintenant
Pmorning: matin, du matin, le matin
Pafternoon: après-midi, de l'après-midi, l'après-midi, aprem
Pevening: soir, du soir, le soir
Knoon: midi
Kmidnight: minuit
Uminute: minute, minutes, min
Uhour: heure, heures, h
Uday: jour, jours
Uweek: semaine, semaines
Umonth: mois
Uyear: an, ans, année
a: un, une
n2: deux
n3: trois
n4: quatre
n5: cinq
n6: six
n7: sept
n8: huit
n9: neuf
n10: dix
Xthis: ce, cette
Xnext: prochain, prochaine
Xlast: dernier, dernière
i: dans
G: il y a
c: heures, heure, h
@: à
~: vers
f: pour
d: le
_: la, de, du, svp, s'il vous plaît, s'il te plaît, stp, merci, ok
y1: premier
""",
)

SPANISH = Language(
    months="enero ene/febrero feb/marzo/abril abr/mayo/junio jun/julio jul/agosto ago"
    "/septiembre setiembre sept sep/octubre oct/noviembre nov/diciembre dic",
    weekdays="lunes/martes/miércoles/jueves/viernes/sábado/domingo",
    short_weekdays="lun/mar/mie/jue/vie/sab/dom",
    ordinal_endings="o|ero",
    words="""
R0: hoy
R1: mañana
R2: pasado mañana
R-1: ayer
R-2: anteayer, antier
R0 Pnight: esta noche
R0 Pafternoon: esta tarde
R0 Pmorning: esta mañana
R1 Pmorning: mañana por la mañana, mañana en la mañana
j: ahora
Pmorning: por la mañana, de la mañana, en la mañana
Pafternoon: tarde, por la tarde, de la tarde, en la tarde
Pnight: noche, por la noche, de la noche, en la noche
Knoon: mediodía, al mediodía
Kmidnight: medianoche
Uminute: minuto, minutos, min
Uhour: hora, horas
Uday: día, días
Uweek: semana, semanas
Umonth: mes, meses
Uyear: año, años
a: un, una
n2: dos
n3: tres
n4: cuatro
n5: cinco
n6: seis
n7: siete
n8: ocho
n9: nueve
n10: diez
Xthis: este, esta
Xnext: próximo, próxima, que viene
Xlast: pasado, pasada
i: en, dentro de
G: hace
c: horas, hrs, h
@: a las, a la, las
f: para
d: el, el día, día
_: la, de, del, por favor, gracias, ok, a
y1: primero
""",
)

ITALIAN = Language(
    months="gennaio gen/febbraio feb/marzo/aprile apr/maggio mag/giugno giu/luglio lug/agosto ago"
    "/settembre sett set/ottobre ott/novembre nov/dicembre dic",
    weekdays="lunedì/martedì/mercoledì/giovedì/venerdì/sabato/domenica",
    short_weekdays="lun/mar/mer/gio/ven/sab/dom",
    ordinal_endings="o",
    words="""
R0: oggi
R1: domani
R2: dopodomani
R-1: ieri
R0 Pevening: stasera
R0 Pnight: stanotte
R0 Pmorning: stamattina, stamani
j: adesso, ora
Pmorning: mattina, di mattina, del mattino, mattino, la mattina
Pafternoon: pomeriggio, del pomeriggio, di pomeriggio
Pevening: sera, di sera, la sera
Pnight: notte, di notte
Knoon: mezzogiorno, a mezzogiorno
Kmidnight: mezzanotte, a mezzanotte
Uminute: minuto, minuti, min
Uhour: ora, ore
Uday: giorno, giorni
Uweek: settimana, settimane
Umonth: mese, mesi
Uyear: anno, anni
a: un, una, un'
n2: due
n3: tre
n4: quattro
n5: cinque
n6: sei
n7: sette
n8: otto
n9: nove
n10: dieci
Xthis: questo, questa
Xnext: prossimo, prossima
Xlast: scorso, scorsa
i: tra, fra
G: fa
c: h
@: alle, alle ore, ore
~: verso, verso le
f: per
d: il, l', giorno
_: la, di, del, per favore, grazie, ok
y1: primo
""",
)

PORTUGUESE = Language(
    months="janeiro jan/fevereiro fev/março/abril abr/maio/junho jun/julho jul/agosto ago"
    "/setembro set/outubro out/novembro nov/dezembro dez",
    weekdays="segunda-feira segunda/terça-feira terça/quarta-feira quarta/quinta-feira quinta"
    "/sexta-feira sexta/sábado/domingo",
    short_weekdays="seg/ter/qua/qui/sex/sab/dom",
    ordinal_endings="o",
    words="""
R0: hoje
R1: amanhã
R2: depois de amanhã
R-1: ontem
R-2: anteontem
R0 Pnight: hoje à noite
R0 Pafternoon: hoje à tarde
R0 Pmorning: hoje de manhã
j: agora
Pmorning: de manhã, da manhã, pela manhã
Pafternoon: tarde, à tarde, da tarde, de tarde
Pnight: noite, à noite, da noite, de noite
Knoon: meio-dia, ao meio-dia
Kmidnight: meia-noite, à meia-noite
Uminute: minuto, minutos, min
Uhour: hora, horas
Uday: dia, dias
Uweek: semana, semanas
Umonth: mês, meses
Uyear: ano, anos
a: um, uma
n2: dois, duas
n3: três
n4: quatro
n5: cinco
n6: seis
n7: sete
n8: oito
n9: nove
n10: dez
Xthis: este, esta
Xnext: próximo, próxima, que vem
Xlast: passado, passada
i: em, daqui a
G: há
c: h, horas
@: às, as
f: para
d: dia, no dia, o dia
_: o, a, de, do, no, na, por favor, obrigado, obrigada, ok
y1: primeiro
""",
)
