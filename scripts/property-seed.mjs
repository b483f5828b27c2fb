// Properties try the same cases in every run of the checks, so that what is green stays green;
// `npm run test:properties` looks for new ones. Tests with a seed of their own keep it.
import fc from 'fast-check'

fc.configureGlobal({ seed: Number(process.env.SAFECONDUCT_PROPERTY_SEED ?? 20_260_101) })
