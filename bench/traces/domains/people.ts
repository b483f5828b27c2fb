/**
 * Names to draw from: people, firms, places, addresses of made-up firms.
 * @module
 */
import type { Random } from './domain.ts'

export const FIRST = [
  'Ilse',
  'Marek',
  'Oona',
  'Tariq',
  'Bettina',
  'Joaquin',
  'Nkechi',
  'Piotr',
  'Saoirse',
  'Wen',
]
export const LAST = [
  'Aldermann',
  'Brzoza',
  'Castellan',
  'Drummond',
  'Eriksen',
  'Farouk',
  'Ginsburg',
  'Holloway',
  'Ikeda',
  'Juarez',
]
export const FIRMS = [
  'Birchwood Mills',
  'Corvid Labs',
  'Delmar Freight',
  'Elmstone',
  'Fathom Optics',
  'Gable & Sons',
  'Harrow Foods',
  'Inkwell Press',
]
export const CITIES = ['Lisbon', 'Bergen', 'Turin', 'Ghent', 'Krakow', 'Porto']

export interface Person {
  readonly name: string
  readonly first: string
  readonly email: string
  readonly phone: string
}

export function people(random: Random, n: number, domain = 'bluefin-works.com'): Person[] {
  const firsts = random.some(FIRST, n)
  const lasts = random.some(LAST, n)
  return firsts.map((first, i) => {
    const last = lasts[i] ?? 'Moss'
    return {
      name: `${first} ${last}`,
      first,
      email: `${first}.${last}@${domain}`.toLowerCase(),
      phone: `+44 20 ${random.digits(4)} ${random.digits(4)}`,
    }
  })
}

export function iban(random: Random): string {
  return `DE${random.digits(2)}${random.digits(18)}`
}
